"""Commands to a leg, one file each."""

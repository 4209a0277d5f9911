"""Commands to a queue, one file each."""

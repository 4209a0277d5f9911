"""Commands to a conference, one file each."""

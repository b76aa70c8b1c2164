"""The commands of `draftsmith`, one file each."""

"""Text out of files that people attach, read by a process of its own."""

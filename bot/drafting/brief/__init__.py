"""What people ask for: text and options, read into a brief."""

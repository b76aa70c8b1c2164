"""Shortcuts: the lightning menu, and the menu of a message."""

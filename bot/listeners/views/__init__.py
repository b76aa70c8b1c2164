"""Modals that were submitted."""

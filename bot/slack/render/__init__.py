"""Pure functions that build what Slack shows: blocks, modals, files."""

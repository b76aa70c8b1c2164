"""The one door out: everything that writes to Slack, and the pure builders of what is shown."""

"""Everything that reads from and writes to Slack, and the pure builders of what it shows.

Knows drafting's words for Slack (`bot.drafting.slack_port`), not how drafts are made.
"""

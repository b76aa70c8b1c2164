"""Calls to Slack's API: the session, the rate limits, posts, files, people."""

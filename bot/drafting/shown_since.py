"""Buttons of old messages, which may carry the ids of rows that another database had."""

from datetime import datetime, timedelta

# Slack's clock, by which messages are posted, and ours, by which rows are made, may disagree.
CLOCKS = timedelta(minutes=1)


def can_show(posted_at: datetime, made_at: datetime) -> bool:
    """Say whether a message that was posted then can be about a row that was made then.

    A fresh database, and one from a backup, give ids that were given before.
    """
    return posted_at >= made_at - CLOCKS

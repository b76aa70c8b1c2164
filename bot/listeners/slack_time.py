"""The moments that Slack writes as the time stamps of messages, events and clicks."""

from datetime import UTC, datetime

from bot.store.models import now


def moment(ts: str | None) -> datetime:
    """Return the moment of a ts, which has seconds since 1970; now where there is none.

    https://docs.slack.dev/messaging/retrieving-messages#individual_messages
    """
    try:
        return datetime.fromtimestamp(float(ts or ""), UTC)
    except (ValueError, OverflowError, OSError):
        return now()

"""The private channel whose members decide about what the filter holds."""

import structlog

from bot.audit_key import audit_key
from bot.drafting.reviews import Reviews
from bot.drafting.slack_port import NotThere
from bot.encryption import Encryption
from bot.errors import OperatorError
from bot.settings import Settings
from bot.slack.outbox import Outbox
from bot.store import Store
from safety import Filter

log = structlog.get_logger(__name__)


async def open_reviews(
    settings: Settings, store: Store, outbox: Outbox, filter_: Filter
) -> Reviews | None:
    """Return the reviews, None without a REVIEW_CHANNEL.

    Raises OperatorError if the channel is open to others: its readers see what the policy holds.
    """
    channel = settings.review_channel
    if channel is None:
        return None
    try:
        closed = await outbox.is_private(channel)
    except NotThere:
        log.warning("not in the reviewers' channel")
    else:
        if not closed:
            raise OperatorError(f"REVIEW_CHANNEL {channel} is open to others: make it private.")
    encryption = Encryption(audit_key(settings), "held texts")
    return Reviews(store, outbox, filter_, encryption, channel=channel, hours=settings.review_hours)

"""The button of the form that shows the options which few people need."""

import structlog
from slack_bolt.async_app import AsyncAck

from bot.drafting.slack_port import SlackError
from bot.listeners.form import usual_sampling
from bot.listeners.payloads import ViewClick
from bot.listeners.services import Services
from bot.slack.render.draft_form import unfolded_view

log = structlog.get_logger(__name__)


async def on_more_options(ack: AsyncAck, click: ViewClick, services: Services) -> None:
    """Put the further inputs in the place of the button; what was typed so far stays."""
    await ack()
    language = await services.people.language_at_once(click.user)
    view = unfolded_view(dict(click.view), language, usual_sampling(services))
    if view is None:
        return
    try:
        # A second click finds another view.
        await services.outbox.views.update(click.view["id"], view, hash_=click.view["hash"])
    except SlackError as error:
        log.warning("form not unfolded", error=str(error))

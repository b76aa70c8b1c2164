"""`/draft <text>` begins a thread, `/draft stop` ends what runs, `/draft` alone opens the form."""

from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.drafting.brief.brief import is_help, is_stop
from bot.drafting.jobs.intake import Invocation
from bot.errors import UserError
from bot.listeners.form import open_form
from bot.listeners.form_context import Place
from bot.listeners.services import Services
from bot.messages import Sentence, sentence, sentences
from bot.slack.incoming import typed
from bot.slack.render.blocks import page
from bot.store import StoreUnavailable
from safety import visible


async def on_draft(ack: AsyncAck, body: dict[str, Any], services: Services) -> None:
    """The job is committed before the ack; what was wrong is said in the ack, to its author."""
    text = typed(body.get("text", ""))
    if not visible(text).strip():
        place = Place(body["channel_id"], body["response_url"])
        closed = await open_form(services, body["user_id"], body["trigger_id"], place.packed())
        await ack(text=await services.people.told(body["user_id"], closed) if closed else "")
        return
    if is_help(text):
        await _help(ack, body, services)
        return
    user = body["user_id"]
    said: Sentence | None = None
    try:
        if is_stop(text):
            said = sentences.stopped_drafts(
                await services.actions.stop_all(user, body["channel_id"])
            )
        else:
            await services.drafting.draft(text, asked_by(body))
    except UserError as bad:
        said = bad.sentence
    except StoreUnavailable:
        said = sentence("not_saved")
    await ack(text=await services.people.told(user, said) if said else "")


async def _help(ack: AsyncAck, body: dict[str, Any], services: Services) -> None:
    language = await services.people.language_at_once(body["user_id"])
    content = page([part.to(language) for part in services.drafting.help(language)])
    await ack(text=content.text, blocks=list(content.blocks))


def asked_by(body: dict[str, Any]) -> Invocation:
    """Who sent the command, and where."""
    return Invocation(
        user=body["user_id"],
        team=body["team_id"],
        channel=body["channel_id"],
        key=f"command-{body['trigger_id']}",
        response_url=body["response_url"],
    )


def register(app: AsyncApp, services: Services) -> None:
    """Answer the slash command."""

    @app.command(services.settings.slash_command)
    async def listener(ack: AsyncAck, body: dict[str, Any]) -> None:
        await on_draft(ack, body, services)

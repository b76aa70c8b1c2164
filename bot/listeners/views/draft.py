"""The form for a draft, submitted."""

from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.drafting.brief.brief import BadBrief
from bot.drafting.jobs.intake import Invocation
from bot.drafting.sources import from_files, from_text
from bot.listeners.form import files_in
from bot.listeners.form_context import place_from
from bot.listeners.services import Services
from bot.messages import sentence
from bot.slack.render.views import BRIEF, CHANNEL, DRAFT, DRAFTS, FILES, SOURCE
from bot.store import Source, StoreUnavailable

# Inputs that are options of a brief, by the same names.
OPTIONS = ("kind", "audience", "tone", "words", "lang", "private")


async def on_submit(ack: AsyncAck, body: dict[str, Any], services: Services) -> None:
    """What was wrong is said in the form, which keeps what was typed."""
    try:
        await _draft(body["view"], body, services)
    except BadBrief as bad:
        # An option may also have been typed into the brief.
        chosen = bad.option == FILES or (bad.option and value_of(bad.option, body["view"]))
        field = bad.option if bad.option and chosen else BRIEF
        await services.object_to(ack, body, field, bad.sentence)
    except StoreUnavailable:
        await services.object_to(ack, body, BRIEF, sentence("not_saved"))
    else:
        await ack()


async def _draft(view: dict[str, Any], body: dict[str, Any], services: Services) -> None:
    place = place_from(view["private_metadata"])
    values = {name: value_of(name, view) for name in (BRIEF, SOURCE, CHANNEL, DRAFTS, *OPTIONS)}
    invocation = Invocation(
        user=body["user"]["id"],
        team=body["team"]["id"],
        channel=place.channel or values[CHANNEL],
        key=f"view-{view['id']}",
        response_url=place.response_url,
    )
    chosen = {name: values[name] for name in OPTIONS if values[name]} | {"n": values[DRAFTS]}
    sources = _sources(view, values[SOURCE], invocation, services.settings.max_source)
    await services.drafting.draft(
        values[BRIEF], invocation, chosen=chosen, sources=sources, adopt=place.sources
    )


def value_of(name: str, view: dict[str, Any]) -> str:
    """What an input holds; nothing where it is not there, or empty.

    https://docs.slack.dev/reference/views
    """
    value = view["state"]["values"].get(name, {}).get(name, {})
    if chosen := value.get("selected_option"):
        return str(chosen["value"])
    if ticked := value.get("selected_options"):
        return str(ticked[0]["value"])
    return str(value.get("selected_conversation") or value.get("value") or "")


def _sources(view: dict[str, Any], pasted: str, invocation: Invocation, limit: int) -> list[Source]:
    files = view["state"]["values"].get(FILES, {}).get(FILES, {})
    try:
        sources = from_files(files_in(files), invocation.key, invocation.user)
    except BadBrief as bad:
        raise BadBrief(bad.sentence, FILES) from None
    if not pasted.strip():
        return sources
    return [from_text("text", pasted, invocation.key, limit, invocation.user), *sources]


def register(app: AsyncApp, services: Services) -> None:
    """Answer the form."""

    @app.view(DRAFT)
    async def listener(ack: AsyncAck, body: dict[str, Any]) -> None:
        await on_submit(ack, body, services)

"""`/draft <text>` begins a thread, `/draft stop` ends what runs, `/draft` alone opens the form."""

from slack_bolt.async_app import AsyncAck

from bot.drafting.brief.brief import is_help, is_stop
from bot.errors import UserError
from bot.listeners.form import open_form
from bot.listeners.form_context import FormContext
from bot.listeners.payloads import SlashCommand
from bot.listeners.services import Services
from bot.messages import Sentence, sentence, sentences
from bot.slack.incoming import typed
from bot.slack.render.blocks import page
from bot.store import StoreUnavailable
from safety import visible


async def on_draft(ack: AsyncAck, command: SlashCommand, services: Services) -> None:
    """Commit the job, then ack. What was wrong is said in the ack, to its author."""
    text = typed(command.text)
    if is_help(text):
        await _help(ack, command.user, services)
        return
    said = await _answer(text, command, services)
    await ack(text=await services.people.told(command.user, said) if said else "")


async def _answer(text: str, command: SlashCommand, services: Services) -> Sentence | None:
    """Do what was asked for; return what to tell its author."""
    if not visible(text).strip():
        context = FormContext(command.channel, command.response_url)
        return await open_form(services, command.user, command.trigger_id, context)
    try:
        if is_stop(text):
            stopped = await services.actions.stop_all(command.user, command.channel)
            return sentences.stopped_drafts(stopped)
        await services.drafting.draft(text, command.invocation)
    except UserError as bad:
        return bad.sentence
    except StoreUnavailable:
        return sentence("not_saved")
    return None


async def _help(ack: AsyncAck, user: str, services: Services) -> None:
    language = await services.people.language_at_once(user)
    content = page([part.to(language) for part in services.drafting.help(language)])
    await ack(text=content.text, blocks=list(content.blocks))

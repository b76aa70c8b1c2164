"""`/draft <text>` begins a thread, `/draft stop` ends what runs, and others open forms."""

from slack_bolt.async_app import AsyncAck

from bot.drafting.brief.brief import (
    BadBrief,
    best_asked,
    is_help,
    is_muting,
    is_stop,
    voice_asked,
)
from bot.drafting.slack_port import SlackUnavailable
from bot.errors import UserError
from bot.listeners.form import open_filled_form, open_form
from bot.listeners.form_context import FormContext
from bot.listeners.payloads import SlashCommand
from bot.listeners.services import Services
from bot.listeners.voice import open_voice_form
from bot.messages import Sentence, sentence, sentences
from bot.slack.incoming import typed
from bot.slack.render.blocks import page, typed_again
from bot.store import StoreUnavailable
from safety import visible


async def on_draft(ack: AsyncAck, command: SlashCommand, services: Services) -> None:
    """Commit the job, then ack. What was wrong is said in a form, or else in the ack."""
    text = typed(command.text)
    if is_help(text):
        await _help(ack, command.user, services)
        return
    if not visible(text).strip():
        await ack()
        await _open_empty_form(command, services)
        return
    here = voice_asked(text)
    if here is not None:
        await ack()
        await _open_voice(command, services, here)
        return
    best = best_asked(text)
    if best is not None:
        await ack()
        await services.answer(command, await _show_best(best, command, services))
        return
    if is_muting(text):
        said = sentences.mute_where(text)
    elif is_stop(text):
        said = await _stop(command, services)
    else:
        await _draft(ack, text, command, services)
        return
    await ack(text=await services.people.told(command.user, said) if said else "")


async def _open_empty_form(command: SlashCommand, services: Services) -> None:
    context = FormContext(command.channel, command.response_url)
    said = await open_form(services, command.user, command.trigger_id, context)
    if said:
        await services.answer(command, said)


async def _open_voice(command: SlashCommand, services: Services, here: bool) -> None:
    said = await open_voice_form(command, services, here=here)
    if said:
        await services.answer(command, said)


async def _stop(command: SlashCommand, services: Services) -> Sentence:
    try:
        stopped = await services.actions.stopping.stop_all(
            command.user, command.channel, command.at
        )
    except StoreUnavailable:
        return sentence("not_saved")
    return sentences.stopped_drafts(stopped)


async def _show_best(best: bool, command: SlashCommand, services: Services) -> Sentence:
    try:
        if not await services.voices.decides(command.invocation):
            return sentence("best_not_allowed")
        return await services.drafting.show_best(best, command.invocation)
    except (SlackUnavailable, StoreUnavailable):
        return sentence("not_saved")


async def _draft(ack: AsyncAck, text: str, command: SlashCommand, services: Services) -> None:
    """Begin drafts. Slack forgets what follows a command: a form or the ack gives it back."""
    try:
        await services.drafting.draft(text, command.invocation)
    except BadBrief as slip:
        said = None if await _open_form(slip, command, services) else slip.sentence
    except UserError as bad:
        said = bad.sentence
    except StoreUnavailable:
        said = sentence("not_saved")
    else:
        said = None
    if said is None:
        await ack()
        return
    content = typed_again(await services.people.told(command.user, said), text)
    await ack(text=content.text, blocks=list(content.blocks))


async def _open_form(slip: BadBrief, command: SlashCommand, services: Services) -> bool:
    return await open_filled_form(
        services,
        command.trigger_id,
        FormContext(command.channel, command.response_url),
        command.invocation,
        said=slip.sentence,
        understood=slip.understood,
    )


async def _help(ack: AsyncAck, user: str, services: Services) -> None:
    language = await services.people.language_at_once(user)
    content = page([part.to(language) for part in services.drafting.help(language)])
    await ack(text=content.text, blocks=list(content.blocks))

"""The form of the house's voice: opened by a command, saved when it is submitted."""

import asyncio

from slack_bolt.async_app import AsyncAck

from bot.drafting.slack_port import SlackError
from bot.drafting.voice.house_voice import voice_of
from bot.drafting.voice.house_voices import VoicePlace
from bot.errors import InputError, UserError
from bot.listeners.form import JUDGE_SECONDS, TRIGGER_SECONDS
from bot.listeners.form_context import VoiceContext
from bot.listeners.payloads import SlashCommand, ViewSubmission
from bot.listeners.services import Services
from bot.messages import Sentence, sentence, sentences
from bot.slack.render.views import ANY
from bot.slack.render.voice_form import DESCRIPTION, INPUTS, saved_view, voice_view
from bot.store import StoreUnavailable


async def open_voice_form(
    command: SlashCommand, services: Services, *, here: bool
) -> Sentence | None:
    """Open the form for who may change the voice; return what to say if it did not open."""
    try:
        async with asyncio.timeout(TRIGGER_SECONDS):
            place = await services.voices.place_for(command.invocation, here=here)
            await _open(place, command, services)
    except UserError as bad:
        return bad.sentence
    except (SlackError, StoreUnavailable, TimeoutError):
        return sentence("voice_no_form")
    return None


async def _open(place: VoicePlace, command: SlashCommand, services: Services) -> None:
    saved = await services.voices.find(place)
    about = [sentences.voice_for(place.channel)]
    if saved:
        about.append(sentences.voice_saved_by(saved.number, saved.saved_by))
    language = await services.people.language_at_once(command.user)
    metadata = VoiceContext(place.team, place.channel).to_metadata()
    view = voice_view(metadata, language, voice_of(saved), about)
    await services.outbox.views.open(command.trigger_id, view)


async def on_voice_form(ack: AsyncAck, form: ViewSubmission, services: Services) -> None:
    """Commit the voice, then ack. What was wrong is said at its field; what was typed stays."""
    place = VoicePlace(form.voice_context.team, form.voice_context.channel)
    typed = {name: form.value(name) for name in INPUTS}
    typed = {name: "" if value == ANY else value for name, value in typed.items()}
    try:
        async with asyncio.timeout(JUDGE_SECONDS):
            voice = await services.voices.read(place, typed, form.user)
        # Not within the time: what is committed is not to be called unsaved.
        number, left_out = await services.voices.save(place, voice, form.user)
    except InputError as bad:
        await services.object_to(ack, form, bad.field, bad.sentence)
    except UserError as bad:
        await services.object_to(ack, form, DESCRIPTION, bad.sentence)
    except (SlackError, StoreUnavailable, TimeoutError, OSError):
        await services.object_to(ack, form, DESCRIPTION, sentence("voice_not_saved"))
    else:
        language = await services.people.language_at_once(form.user)
        view = saved_view(number, left_out, services.settings.voice_budget, language)
        await ack(response_action="update", view=view)

"""Pure builders of the form of the house's voice, and of what is shown after it."""

from collections.abc import Iterator, Mapping, Sequence

from bot.drafting.voice.house_voices import LONGEST, MOST, SAMPLES, typed_lists
from bot.drafting.voice.told import LeftOut
from bot.drafting.voice.voice import CHINESE, ENGLISH, Voice
from bot.messages import Language, Phrase, Sentence, ours, sentence, sentence_about, sentences
from bot.messages.catalogue import SentenceGroup
from bot.slack.render.blocks import Block
from bot.slack.render.views import (
    ViewPayload,
    as_it_comes,
    form_view,
    input_block,
    option,
    page_view,
    section,
)

VOICE = "voice"
INPUT: SentenceGroup = "voice_input"
DESCRIPTION, SIGNATURE = "description", "signature"
CHOICES: Mapping[str, Sequence[str]] = {"english": list(ENGLISH), "chinese": list(CHINESE)}
LINES = ("preferred", "avoided")
INPUTS = (DESCRIPTION, *LINES, *CHOICES, SIGNATURE, *SAMPLES)


def voice_view(
    private_metadata: str, language: Language, voice: Voice, about: Sequence[Sentence]
) -> ViewPayload:
    """Build the form, filled in with a voice; `about` says what it is for, and who saved it."""
    return form_view(
        VOICE,
        private_metadata,
        title=sentence("voice_title"),
        submit=sentence("voice_submit"),
        blocks=[_about([each.to(language) for each in about]), *_inputs(voice, language)],
        language=language,
    )


def saved_view(
    number: int, left_out: frozenset[LeftOut], budget: int, language: Language
) -> ViewPayload:
    """Build what is shown once it is saved: what of it the model will not be told."""
    said = [sentence("voice_saved", number=number)]
    if left_out:
        said.append(sentences.voice_left_out(sorted(left_out), budget))
    return page_view(
        sentence("voice_title"), [section(each.to(language)) for each in said], language
    )


def check_view(departures: Sequence[Sentence], language: Language) -> ViewPayload:
    """Build the list of where a draft departs from the voice."""
    sections = [section(each.to(language)) for each in departures]
    return page_view(sentence("voice_check_title"), sections, language)


def _about(said: Sequence[Phrase]) -> Block:
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": ours(s)} for s in said]}


def _inputs(voice: Voice, language: Language) -> Iterator[Block]:
    lines = typed_lists(voice)
    yield _text(DESCRIPTION, voice.description, language, sentence("voice_description_hint"))
    yield _text("preferred", lines["preferred"], language, sentence("voice_preferred_hint"))
    yield _text("avoided", lines["avoided"], language, sentence("voice_avoided_hint"))
    for name, chosen in (("english", voice.english), ("chinese", voice.chinese)):
        yield _select(name, chosen, language)
    yield _text(SIGNATURE, voice.signature, language)
    for number, name in enumerate(SAMPLES):
        sample = voice.samples[number] if number < len(voice.samples) else ""
        hint = None if number else sentence("voice_samples_hint")
        yield _text(name, sample, language, hint)


def _text(name: str, value: str, language: Language, hint: Sentence | None = None) -> Block:
    most = MOST.get(name, LONGEST)
    element: Block = {"type": "plain_text_input", "multiline": True, "max_length": most}
    if value:
        # Slack opens no form that holds more than it takes.
        element["initial_value"] = value[:most]
    return {**input_block(name, _label(name), element, language, hint), "optional": True}


def _select(name: str, chosen: str, language: Language) -> Block:
    named = [option(_label(each).to(language), each) for each in CHOICES[name]]
    options = [as_it_comes(language), *named]
    initial = next((each for each in options if each["value"] == chosen), options[0])
    element = {"type": "static_select", "options": options, "initial_option": initial}
    return {**input_block(name, _label(name), element, language), "optional": True}


def _label(name: str) -> Sentence:
    return sentence_about(INPUT, name)

"""Pure builders of what a person sees of their own settings: lines at home, and the form.

https://docs.slack.dev/surfaces/app-home
"""

from collections.abc import Iterator, Sequence

from bot.drafting.brief.options import TONES
from bot.drafting.preferences import (
    ABOUT,
    LENGTHS,
    LONGEST_ABOUT,
    LONGEST_SIGNATURE,
    SIGNATURE,
    SPELLINGS,
    OwnSettings,
)
from bot.messages import Language, Named, Sentence, sentence, sentence_about, sentences
from bot.slack.render.blocks import Block
from bot.slack.render.draft_form import MOST_DRAFTS
from bot.slack.render.views import (
    ViewPayload,
    as_it_comes,
    form_view,
    input_block,
    option,
    plain_text,
    section,
)

OWN, OWN_DELETE = "own_settings", "delete_own_settings"
TONE, LANG, LENGTH, DRAFTS, PRIVATE = "tone", "lang", "length", "n", "private"
SPELLING, CONSENT = "spelling", "consent"
YES = "yes"


def own_blocks(own: OwnSettings, language: Language) -> list[Block]:
    """Build the part of the home tab that shows what a person set."""
    lines = [said.to(language) for said in _settings(own)]
    return [
        {"type": "header", "text": plain_text(sentence("home_own"), language)},
        section("\n".join(lines) if lines else sentence("home_own_none").to(language)),
        {"type": "actions", "elements": _buttons(language, is_set=bool(lines))},
    ]


def own_view(own: OwnSettings, languages: Sequence[str], language: Language) -> ViewPayload:
    """Build the form. `languages`: codes of those that the model writes."""
    return form_view(
        OWN,
        "",
        title=sentence("own_title"),
        submit=sentence("own_submit"),
        blocks=[{**block, "optional": True} for block in _inputs(own, languages, language)],
        language=language,
    )


def _settings(own: OwnSettings) -> Iterator[Sentence]:
    """Yield what is set, one by one; of a person's own words how many there are."""
    if own.tone in TONES:
        yield sentences.own_setting(TONE, Named(own.tone, TONES[own.tone]))
    for name, chosen in (("lang", own.lang), (LENGTH, own.length), (SPELLING, own.spelling)):
        if chosen:
            value = sentence_about("language" if name == LANG else "own", chosen)
            yield sentences.own_setting(name, value)
    if own.drafts:
        yield sentences.own_setting(DRAFTS, own.drafts)
    if own.private:
        yield sentences.own_setting(PRIVATE, sentence("own_yes"))
    for name, words in ((SIGNATURE, own.signature), (ABOUT, own.about)):
        if words:
            yield sentences.own_setting(name, sentence("own_kept", characters=len(words)))
    if own.consented_at:
        yield sentences.own_setting(CONSENT, sentences.own_agreed(own.consented_at))


def _buttons(language: Language, *, is_set: bool) -> list[Block]:
    def button(said: Sentence, action_id: str) -> Block:
        return {"type": "button", "text": plain_text(said, language), "action_id": action_id}

    change = button(sentence("home_own_change"), OWN)
    if not is_set:
        return [change]
    asked = {
        "title": plain_text(sentence("own_delete_title"), language),
        "text": plain_text(sentence("own_delete_text"), language),
        "confirm": plain_text(sentence("own_delete_yes"), language),
        "deny": plain_text(sentence("own_delete_no"), language),
    }
    return [change, {**button(sentence("home_own_delete"), OWN_DELETE), "confirm": asked}]


def _inputs(own: OwnSettings, languages: Sequence[str], language: Language) -> Iterator[Block]:
    def select(name: str, options: list[Block], chosen: object) -> Block:
        options = [as_it_comes(language), *options]
        held = next((each for each in options if each["value"] == str(chosen)), options[0])
        element = {"type": "static_select", "options": options, "initial_option": held}
        return input_block(name, sentence_about("own", name), element, language)

    def named(group_names: Sequence[str]) -> list[Block]:
        return [option(sentence_about("own", n).to(language), n) for n in group_names]

    tones = [option(word if language == "zh" else tone, tone) for tone, word in TONES.items()]
    yield select(TONE, tones, own.tone)
    if len(languages) > 1:
        codes = [option(sentence_about("language", c).to(language), c) for c in languages]
        yield select(LANG, codes, own.lang)
    yield select(LENGTH, named(list(LENGTHS)), own.length)
    numbers = [option(str(n), str(n)) for n in range(1, MOST_DRAFTS + 1)]
    yield select(DRAFTS, numbers, own.drafts)
    yield _box(PRIVATE, sentence("own_ask_private"), language, ticked=own.private)
    yield select(SPELLING, named(SPELLINGS), own.spelling)
    line = _typed({"type": "plain_text_input", "max_length": LONGEST_SIGNATURE}, own.signature)
    yield input_block(SIGNATURE, sentence("own_ask_signature"), line, language)
    text = {"type": "plain_text_input", "multiline": True, "max_length": LONGEST_ABOUT}
    hint = sentence("own_ask_about_hint", most=LONGEST_ABOUT)
    about = sentence("own_ask_about")
    yield input_block(ABOUT, about, _typed(text, own.about), language, hint)
    agreed = own.consented_at is not None
    box = _box(CONSENT, sentence("own_ask_consent"), language, ticked=agreed)
    yield {**box, "hint": plain_text(sentence("own_ask_consent_hint"), language)}


def _box(name: str, said: Sentence, language: Language, *, ticked: bool) -> Block:
    choice = option(said.to(language), YES)
    element: Block = {"type": "checkboxes", "options": [choice]}
    if ticked:
        element["initial_options"] = [choice]
    return input_block(name, sentence_about("own", name), element, language)


def _typed(element: Block, words: str) -> Block:
    return {**element, "initial_value": words[: element["max_length"]]} if words else element

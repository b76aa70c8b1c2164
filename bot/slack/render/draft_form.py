"""Pure builder of the form for a new draft."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from bot.drafting.brief.brief import LONGEST_AUDIENCE, Understood, numbers_of
from bot.drafting.brief.options import TONES
from bot.drafting.sources import MOST_FILES
from bot.messages import Language, Phrase, Sentence, ours, sentence, sentence_about
from bot.slack.render.blocks import Block
from bot.slack.render.views import (
    INPUT_LIMIT,
    ViewPayload,
    as_it_comes,
    form_view,
    input_block,
    notice,
    option,
    plain_text,
)

DRAFT = "draft"
# Inputs of the form. Options have the names of a brief.
BRIEF, SOURCE, FILES, CHANNEL, DRAFTS = "brief", "source", "files", "channel", "drafts"
# The button that shows the inputs for these options, which few people need.
MORE = "more_options"
FOLDED = ("seed", "temperature", "top_k", "top_p", "repetition_penalty", "max_tokens")
# The button beside a sentence that opens the form with what was typed.
OPEN_FILLED = "open_filled_form"
MOST_DRAFTS = 5

LONG_TEXT: Block = {"type": "plain_text_input", "multiline": True, "max_length": INPUT_LIMIT}
WORDS_INPUT: Block = {
    "type": "number_input",
    "is_decimal_allowed": False,
    "min_value": "10",
    "max_value": "3000",
}
FILE_INPUT: Block = {
    "type": "file_input",
    # No "filetypes": these are endings, and a canvas has none.
    "max_files": MOST_FILES,
}
CHANNEL_SELECT: Block = {
    "type": "conversations_select",
    "default_to_current_conversation": True,
    "filter": {"include": ["public", "private", "mpim", "im"], "exclude_bot_users": False},
}


@dataclass(frozen=True, slots=True)
class Choices:
    """What the form offers: kinds and networks as (name, title), and codes of languages.

    `usual`: what the options of sampling are where nobody chooses them.
    """

    kinds: Sequence[tuple[str, str]]
    languages: Sequence[str]
    networks: Sequence[tuple[str, str]] = ()
    usual: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Filling:
    """What the form begins with: sentences at its top, options, and a text that its input holds."""

    notices: Sequence[Sentence] = ()
    understood: Understood = field(default_factory=lambda: Understood({}, ""))

    def __post_init__(self) -> None:
        assert len(self.understood.text) <= INPUT_LIMIT

    def get(self, name: str) -> str | None:
        """Return the value of an option, if it has one."""
        return self.understood.options.get(name)


def draft_view(
    private_metadata: str,
    language: Language,
    choices: Choices,
    *,
    source: Phrase | None = None,
    anywhere: bool = False,
    filling: Filling | None = None,
) -> ViewPayload:
    """Build the form behind `/draft` without text, and behind the shortcuts.

    `private_metadata` comes back with the submission: where it was opened, never a text. `source`
    says which sources are kept already; `anywhere`: the form asks for the channel.
    """
    assert len(private_metadata) <= 3_000
    filling = filling or Filling()
    unfolded = any(map(filling.get, FOLDED))
    last = folded_inputs(language, choices.usual, filling) if unfolded else [_more(language)]
    return form_view(
        DRAFT,
        private_metadata,
        title=sentence("form_title"),
        submit=sentence("form_submit"),
        blocks=[
            *(notice(said, language) for said in filling.notices),
            *_blocks(language, choices, source, anywhere, filling),
            *last,
        ],
        language=language,
    )


def unfolded_view(
    view: ViewPayload, language: Language, usual: Mapping[str, float]
) -> ViewPayload | None:
    """Return an open form with the further inputs in the place of their button; None: it has them.

    The other inputs stay as Slack sent them, so that they keep what was typed.
    https://docs.slack.dev/reference/views/modal-views
    """
    blocks: list[Block] = view["blocks"]
    rest = [block for block in blocks if block["block_id"] != MORE]
    if len(rest) == len(blocks):
        return None
    sent = ("type", "title", "close", "submit", "callback_id", "private_metadata")
    kept = {name: view[name] for name in sent}
    return {**kept, "blocks": [*rest, *folded_inputs(language, usual, Filling())]}


def folded_inputs(language: Language, usual: Mapping[str, float], filling: Filling) -> list[Block]:
    """Build the inputs for the seed and for how the model is sampled."""
    return [_number(name, language, usual.get(name), filling.get(name)) for name in FOLDED]


def _number(name: str, language: Language, usual: float | None, value: str | None) -> Block:
    numbers = numbers_of(name)
    element: Block = {
        "type": "number_input",
        "is_decimal_allowed": not numbers.whole,
        "min_value": _written(numbers.low),
        "max_value": _written(numbers.high),
    }
    if usual is not None:
        element["placeholder"] = plain_text(sentence("form_usual", value=usual), language)
    if value is not None:
        element["initial_value"] = _written(value)
    label, hint = sentence_about("form", name), sentence_about("option", name)
    return {**input_block(name, label, element, language, hint), "optional": True}


def _written(number: float | str) -> str:
    """Return a number as Slack takes it: without an exponent."""
    return format(Decimal(str(number)).normalize(), "f")


def _more(language: Language) -> Block:
    label = plain_text(sentence("form_more"), language)
    button = {"type": "button", "text": label, "action_id": MORE}
    return {"type": "actions", "block_id": MORE, "elements": [button]}


def _blocks(
    language: Language, choices: Choices, source: Phrase | None, anywhere: bool, filling: Filling
) -> Iterator[Block]:
    def needed(name: str, element: Block, hint: Sentence | None = None) -> Block:
        return input_block(name, sentence_about("form", name), element, language, hint)

    def optional(name: str, element: Block, hint: Sentence | None = None) -> Block:
        return {**needed(name, element, hint), "optional": True}

    def select(name: str, options: list[Block]) -> Block:
        return optional(name, _chosen({"type": "static_select", "options": options}, filling, name))

    brief = {"placeholder": plain_text(sentence("form_example"), language), "focus_on_load": True}
    tones = [option(word if language == "zh" else tone, tone) for tone, word in TONES.items()]
    privately = option(sentence("form_privately").to(language), "yes")
    if source:
        yield {"type": "context", "elements": [{"type": "mrkdwn", "text": ours(source)}]}
    if anywhere:
        yield needed(CHANNEL, CHANNEL_SELECT)
    yield select("kind", [option(title, name) for name, title in choices.kinds])
    if choices.networks:
        yield select("network", [option(title, name) for name, title in choices.networks])
    text = {**LONG_TEXT, "min_length": 1, **brief}
    yield needed(BRIEF, _typed(text, filling.understood.text))
    if not source:
        yield optional(SOURCE, LONG_TEXT, sentence("form_source_hint", most=INPUT_LIMIT))
    yield optional(FILES, FILE_INPUT)
    line = {"type": "plain_text_input", "max_length": LONGEST_AUDIENCE}
    yield optional("audience", _typed(line, filling.get("audience")))
    yield select("tone", [as_it_comes(language), *tones])
    yield optional("words", _typed(WORDS_INPUT, filling.get("words")))
    if len(choices.languages) > 1:
        names = {code: sentence_about("language", code).to(language) for code in choices.languages}
        languages = [option(name, code) for code, name in names.items()]
        yield select("lang", [as_it_comes(language), *languages])
    drafts = [option(str(n), str(n)) for n in range(1, MOST_DRAFTS + 1)]
    element = {"type": "static_select", "options": drafts, "initial_option": drafts[0]}
    yield needed(DRAFTS, _chosen(element, filling, "n"))
    ticked = {"initial_options": [privately]} if filling.get("private") == "yes" else {}
    yield optional("private", {"type": "checkboxes", "options": [privately], **ticked})
    only_best = option(sentence("form_only_best").to(language), "yes")
    ticked = {"initial_options": [only_best]} if filling.get("best") == "yes" else {}
    yield optional("best", {"type": "checkboxes", "options": [only_best], **ticked})


def _typed(element: Block, value: str | None) -> Block:
    return {**element, "initial_value": value} if value else element


def _chosen(element: Block, filling: Filling, name: str) -> Block:
    """Return the select with the value chosen that it begins with, if it offers that."""
    chosen = [each for each in element["options"] if each["value"] == filling.get(name)]
    return {**element, "initial_option": chosen[0]} if chosen else element

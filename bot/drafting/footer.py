"""What stands under a draft: a note, a row of buttons, the thumbs; each with the version's id."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from bot.drafting.draft_action import DraftAction
from bot.drafting.slack_port import Button, Choice, Menu, Row, Thumbs
from bot.messages import Language, Phrase, Sentence, sentence, sentence_about, sentences
from bot.store import STANDING, Version

# Each opens a form or a page of facts; the rest are draft actions.
ACCEPT, CHANGE = "accept_form", "change_form"
CHANGES, WHY, VOICE = "changes", "why", "voice_check"
MORE = "more"
RATE, GOOD, BAD = "rate", "good", "bad"

AT_ONCE = (
    DraftAction.REGENERATE,
    DraftAction.SHORTER,
    DraftAction.LONGER,
    DraftAction.FORMAL,
    DraftAction.SIMPLER,
    DraftAction.CONTINUE,
    DraftAction.OTHERS,
)


def draft_row(
    version: Version, language: Language, *, changed: bool, voiced: bool = False, others: int = 0
) -> Row:
    """Return the buttons of a version that ended.

    `changed`: there is a version before it; `voiced`: the house has a voice to check it against;
    `others`: drafts beside it that nobody sees yet.
    """
    more = [DraftAction.OTHERS] if others else []
    if version.status not in STANDING or not version.text:
        short = (DraftAction.REGENERATE, WHY, *more)
        return [_button(name, version, language) for name in short]
    names = (ACCEPT, DraftAction.REGENERATE, CHANGE, *([VOICE] if voiced else []), *more)
    rest = (
        DraftAction.SHORTER,
        DraftAction.LONGER,
        DraftAction.CONTINUE,
        CHANGES if changed else DraftAction.SIMPLER,
        WHY,
    )
    menu = Menu(MORE, [_choice(name, version, language) for name in rest])
    return [*(_button(name, version, language) for name in names), menu]


def draft_thumbs(version: Version, language: Language) -> Thumbs:
    """Return what readers press to say what they think of a finished version."""
    good, bad = (_choice(name, version, language) for name in (GOOD, BAD))
    return Thumbs(RATE, good, bad)


def draft_note(
    version: Version,
    length: Sentence | None = None,
    flagged: Sentence | None = None,
    measured: Mapping[str, float] = MappingProxyType({}),
) -> Sentence | None:
    """Return the small line under a finished draft: what its writer has to know, if anything.

    `length` where a network limits it; `flagged`: words against the house's voice; `measured`: what
    is shown of its measures.
    """
    best = sentence("likely_best") if measured and version.is_best else None
    told = sentences.measured(measured) if measured else None
    notes: Sequence[Sentence] = list(filter(None, [length, best, told, flagged]))
    if version.finish_reason == "length":
        notes = [*notes, sentence("length_limit")]
    return sentence("facts", facts=tuple(notes)) if notes else None


def _button(name: str, version: Version, language: Language) -> Button:
    label = _label(name, language)
    return Button(label, name, str(version.id), "primary" if name == ACCEPT else "")


def _choice(name: str, version: Version, language: Language) -> Choice:
    return Choice(_label(name, language), f"{name}:{version.id}")


def _label(name: str, language: Language) -> Phrase:
    return sentence_about("button", name).to(language)

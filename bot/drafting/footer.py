"""What stands under a draft: its line of facts, and buttons with the id of their version."""

from collections.abc import Sequence

from bot.drafting.draft_action import DraftAction
from bot.drafting.slack_port import Button
from bot.messages import Language, Sentence, sentence, sentence_about, sentences
from bot.store import STANDING, Version

# Each opens a form or a page of facts; the rest are draft actions.
ACCEPT, CHANGE, TRANSLATE = "accept_form", "change_form", "translate_form"
CHANGES, WHY = "changes", "why"

AT_ONCE = (
    DraftAction.REGENERATE,
    DraftAction.SHORTER,
    DraftAction.LONGER,
    DraftAction.FORMAL,
    DraftAction.SIMPLER,
    DraftAction.CONTINUE,
)


def draft_buttons(
    version: Version, language: Language, *, translates: bool, changed: bool
) -> Sequence[Button]:
    """Return the buttons of a version that ended.

    `translates`: the model writes more than one language; `changed`: there is a version before it.
    """
    if version.status not in STANDING or not version.text:
        return [_button(DraftAction.REGENERATE, version, language), _button(WHY, version, language)]
    names = [ACCEPT, *AT_ONCE, *([TRANSLATE] if translates else []), CHANGE]
    names += [*([CHANGES] if changed else []), WHY]
    return [_button(name, version, language) for name in names]


def draft_facts(version: Version, seed: int, n: int, length: Sentence | None = None) -> Sentence:
    """Return the small line of facts, for one of `n` drafts; `length` where a network limits it."""
    seconds, tokens = version.seconds or 0.0, version.tokens
    figures = [length] if length else []
    figures.append(sentence("seconds", seconds=seconds))
    if tokens:
        speed = tokens / max(seconds, 0.001)
        figures += [sentence("tokens", tokens=tokens), sentence("speed", speed=speed)]
    if n == 1:
        figures.append(sentence("seed", seed=seed))
    else:
        figures.append(sentence("seed_of", seed=seed, sample=version.sample + 1, n=n))
    return sentences.draft_facts(figures, version.model, at_limit=version.finish_reason == "length")


def _button(name: str, version: Version, language: Language) -> Button:
    label = sentence_about("button", name).to(language)
    return Button(label, name, str(version.id), "primary" if name == ACCEPT else "")

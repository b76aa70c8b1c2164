"""What one click on a draft asks for: by its button, or by its emoji."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from bot.drafting.brief.options import Options
from bot.messages import Language, sentence_about


class DraftAction(StrEnum):
    """Each is the name of its button and of its emoji in the setting.

    OTHERS shows the drafts that were written in the background beside this one.
    """

    REGENERATE = "regenerate"
    SHORTER = "shorter"
    LONGER = "longer"
    FORMAL = "formal"
    SIMPLER = "simpler"
    CONTINUE = "continue"
    STOP = "stop"
    ACCEPT = "accept"
    DELETE = "delete"
    OTHERS = "others"


class Way(StrEnum):
    """Where an accepted text goes: to the channel, into the thread as a file, to one person."""

    CHANNEL = "channel"
    CANVAS = "canvas"
    MARKDOWN = "md"
    WORD = "docx"
    PERSON = "person"


# What the model is asked for; short, for a small model follows it better.
WORDS: Mapping[Language, Mapping[DraftAction, str]] = {
    "en": {
        DraftAction.SHORTER: "Make it shorter. Keep what matters most.",
        DraftAction.LONGER: "Make it longer, with more detail.",
        DraftAction.FORMAL: "Make it more formal.",
        DraftAction.SIMPLER: "Make it simpler: short sentences and everyday words.",
        DraftAction.CONTINUE: "Continue the text from where it ends. Do not repeat what is there.",
    },
    "zh": {
        DraftAction.SHORTER: "写短一些，保留最重要的内容。",
        DraftAction.LONGER: "写长一些，多些细节。",
        DraftAction.FORMAL: "写得更正式。",
        DraftAction.SIMPLER: "写得更简单：短句，日常用语。",
        DraftAction.CONTINUE: "从文章结束的地方继续写，不要重复已有的内容。",
    },
}
INTO = "translate-"
TRANSLATE: Mapping[Language, str] = {
    "en": "Translate it into {language}. Change nothing else.",
    "zh": "把它翻译成{language}，其他都不要改。",
}


@dataclass(frozen=True, slots=True)
class Rewrite:
    """A quick choice beside one's own words: an action, or a translation into `lang`.

    `value` names it in a form.
    """

    value: str

    @property
    def lang(self) -> str | None:
        """The code of the language, for a translation."""
        return self.value.removeprefix(INTO) if self.value.startswith(INTO) else None

    @property
    def action(self) -> DraftAction:
        """What is asked for, if it is no translation."""
        return DraftAction(self.value)

    def words(self, options: Options) -> str:
        """Return the instruction for the model, in the draft's language."""
        told = prompted_in(options)
        if self.lang is None:
            return WORDS[told][self.action]
        return TRANSLATE[told].format(language=sentence_about("language", self.lang).to(told))


def rewrites(written: Sequence[str]) -> list[Rewrite]:
    """Return the quick choices; `written`: codes of the languages that the model writes."""
    into = [f"{INTO}{code}" for code in written] if len(written) > 1 else []
    return [Rewrite(value) for value in (DraftAction.FORMAL, DraftAction.SIMPLER, *into)]


def words_for(action: DraftAction, options: Options) -> str | None:
    """Return the instruction for the model, in the draft's language; None: no text is asked for."""
    return WORDS[prompted_in(options)].get(action)


def prompted_in(options: Options) -> Language:
    """Return the language in which the model is told what to do."""
    return "zh" if options.lang == "zh" else "en"

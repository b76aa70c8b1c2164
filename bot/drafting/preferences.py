"""What a person set for their own drafts: it holds where a brief says nothing."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from bot.drafting.brief.brief import BEST_OF, TOKENS_A_WORD, Brief
from bot.drafting.brief.options import TONES, Options
from bot.drafting.brief.recipe import Recipe
from bot.drafting.draft_action import prompted_in
from bot.drafting.drafting_settings import DraftingSettings
from bot.errors import InputError
from bot.messages import sentence, sentences
from bot.store import Preferences, Store
from safety import Filter, Stage, Verdict

# How many times the usual length of its kind a draft is to have.
LENGTHS: Mapping[str, float] = {"short": 0.5, "long": 2.0}
SPELLINGS = ("british", "american", "simplified", "traditional")
LEAST_WORDS, MOST_WORDS = 10, 3_000
LONGEST_ABOUT, LONGEST_SIGNATURE = 1_000, 200  # Characters.
ABOUT, SIGNATURE = "about", "signature"
LONGEST: Mapping[str, int] = {ABOUT: LONGEST_ABOUT, SIGNATURE: LONGEST_SIGNATURE}


OwnSettings: TypeAlias = Preferences
"""What one person set, for whoever shows it and does not know the store."""


@dataclass(frozen=True, slots=True)
class Personal:
    """What the model is told of whoever asks, beside the options."""

    about: str = ""
    spelling: str | None = None
    signature: str = ""

    @property
    def names(self) -> Sequence[str]:
        """What of it there is, by name."""
        told = {ABOUT: self.about, "spelling": self.spelling, SIGNATURE: self.signature}
        return [name for name, value in told.items() if value]


NOBODY = Personal()


class OwnPreferences:
    """Keeps what people set, each for themselves. Raises StoreUnavailable."""

    def __init__(self, store: Store, filter_: Filter) -> None:
        self._store = store
        self._filter = filter_

    async def of(self, user: str) -> Preferences:
        """Return what a person set."""
        return await self._store.preferences_of(user)

    async def judged(self, chosen: Preferences) -> Preferences:
        """Return it without what the policy takes out of the person's words. Raises InputError.

        These go to the model with each brief, and are judged as one.
        """
        words = {field: getattr(chosen, field).strip() for field in LONGEST}
        judging = [self._verdict(text, field, chosen.user) for field, text in words.items()]
        verdicts = await asyncio.gather(*judging)
        for field, verdict in zip(words, verdicts, strict=True):
            setattr(chosen, field, _released(verdict, field) if verdict else "")
        return chosen

    async def save(self, chosen: Preferences) -> None:
        """Keep what was judged."""
        await self._store.save_preferences(chosen)

    async def delete(self, user: str) -> None:
        """Forget all that a person set."""
        await self._store.delete_preferences(user)

    async def _verdict(self, text: str, field: str, user: str) -> Verdict | None:
        if not text:
            return None
        request = f"preferences-{field}"
        return await self._filter.judge(text, Stage.INPUT, request=request, who=user)


def _released(verdict: Verdict, field: str) -> str:
    """Return what may be kept. Raises InputError, also for what the form could not show."""
    if verdict.text is None:
        rules = sentences.rules(verdict.rules)
        raise InputError(sentence("own_refused", rules=rules), field)
    if len(verdict.text) > LONGEST[field]:
        raise InputError(sentence("kept_too_long", most=LONGEST[field]), field)
    return verdict.text


def adapted(
    brief: Brief,
    recipe: Recipe,
    own: Preferences,
    languages: Collection[str],
    settled: Collection[str] = (),
) -> tuple[Options, Sequence[str]]:
    """Return the options of a brief with a person's own where it says nothing, and their names.

    `languages`: codes of those that the model writes; `settled`: options that the person saw and
    left open. The best that is asked for, or usual, is one of several.
    """
    said = {*brief.chosen, *settled}
    wished = {
        "tone": own.tone if own.tone in TONES else None,
        "lang": own.lang if own.lang in languages and own.lang != brief.options.lang else None,
        "n": own.drafts,
        "private": own.private or None,
    }
    taken: dict[str, Any] = {
        name: value for name, value in wished.items() if value is not None and name not in said
    }
    options = brief.options.model_copy(update=taken)
    # One alone is the best of nothing; but somebody may want one where several are usual.
    if options.best and options.n == 1 and ("best" in said or "n" not in said):
        taken.pop("n", None)
        options = options.model_copy(update={"n": BEST_OF})
    words = None if "words" in said else _words(recipe, options, own.length)
    if words is not None:
        taken["words"] = words
        most = max(options.max_tokens, words * TOKENS_A_WORD)
        tokens = options.max_tokens if "max_tokens" in said else most
        options = options.model_copy(update={"words": words, "max_tokens": tokens})
    return options, list(taken)


def shown_options(own: Preferences, settings: DraftingSettings) -> dict[str, str]:
    """Return a person's own options as a form shows them, which the person then leaves or changes.

    The number of drafts is shown in any case.
    """
    shown = {
        "tone": own.tone,
        "lang": own.lang if own.lang in settings.model_languages else None,
        "n": str(own.drafts or settings.drafts),
        "private": "yes" if own.private else None,
    }
    return {name: value for name, value in shown.items() if value}


def _words(recipe: Recipe, options: Options, length: str | None) -> int | None:
    """Return how many words it is to have, where the kind has a usual length and no network."""
    usual, times = recipe.wording(prompted_in(options)).words, LENGTHS.get(length or "")
    if usual is None or times is None or options.network is not None:
        return None
    return min(max(round(usual * times), LEAST_WORDS), MOST_WORDS)

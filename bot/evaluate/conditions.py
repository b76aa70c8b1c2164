"""What all briefs of a run have in common, and how their texts are checked."""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from bot.drafting.brief.brief import Brief, parse
from bot.drafting.brief.recipe import Recipe
from bot.errors import OperatorError, UserError
from bot.evaluate.cases import Case
from bot.evaluate.checks import Subject, check
from bot.evaluate.results import Text
from bot.messages import Language
from bot.settings import Settings
from bot.slack.render.markup import plain

SEEDS = 2**31
# The day on which every brief is typed, so that two runs are told the same.
TODAY = date(2027, 1, 4)
LANGUAGES = ("en", "zh")


@dataclass(frozen=True, slots=True)
class Conditions:
    """Kinds, settings, and options that override those of a kind. Seeds depend on the brief."""

    recipes: Mapping[str, Recipe]
    settings: Settings
    chosen: Mapping[str, str]
    seed: int

    def brief(self, case: Case) -> Brief:
        """Return what the product reads of what is typed. Raises OperatorError."""
        defaults = self.settings.options((zlib.crc32(case.name.encode()) + self.seed) % SEEDS)
        limit = self.settings.max_brief
        try:
            return parse(
                case.typed,
                self.recipes,
                defaults,
                limit=limit,
                languages=LANGUAGES,
                chosen=self.chosen,
            )
        except UserError as bad:
            raise OperatorError(f"{case.name}: {plain(bad.sentence.to('en'))}") from None

    def checked(self, case: Case, texts: Sequence[Text]) -> list[Text]:
        """Return the texts of one brief with what the checks say of them."""
        brief = self.brief(case)
        recipe = self.recipes[brief.recipe]
        firsts = {text.sample: text.text for text in texts if text.turn == 0}
        checked = []
        for text in texts:
            if text.turn == 0:
                subject = _first_draft(case, brief, recipe, text)
            else:
                subject = _refinement(case, brief, recipe, text, firsts[text.sample])
            checked.append(replace(text, checks=check(subject)))
        return checked


def _first_draft(case: Case, brief: Brief, recipe: Recipe, text: Text) -> Subject:
    return Subject(
        text.text,
        _language(case, brief),
        brief.options,
        recipe,
        told=_told(case, brief),
        finish_reason=text.finish_reason,
        present=case.present,
        absent=case.absent,
        facts=case.facts,
        lead=case.lead,
    )


def _refinement(case: Case, brief: Brief, recipe: Recipe, text: Text, before: str) -> Subject:
    assert case.wish is not None
    return Subject(
        text.text,
        case.wish.lang or _language(case, brief),
        brief.options,
        recipe,
        told=f"{_told(case, brief)}\n{text.instruction}",
        finish_reason=text.finish_reason,
        absent=case.absent,
        wish=case.wish,
        before=before,
    )


def _told(case: Case, brief: Brief) -> str:
    return f"{brief.text}\n{case.material}\n{TODAY:%d %m %Y}"


def _language(case: Case, brief: Brief) -> Language:
    if brief.options.lang is None:
        return case.language
    return "zh" if brief.options.lang == "zh" else "en"

"""What a person typed, as a brief. Parsing is total: a brief, or one sentence that says what to do.

[option=value ...] [kind:] [option=value ...] what to write
"""

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import ValidationError

from bot import phrases
from bot.drafting.options import Options
from bot.drafting.recipes import Recipe, find_recipe
from bot.phrases import Phrase
from safety import visible

OPTION = re.compile(r"([A-Za-z_][\w-]{0,31})=(\S*)\s*")
KIND = re.compile(r"([^\s:：][^:：\n]{0,30}?)\s*[:：]\s*")
KIND_OPTION = "kind"


class BadBrief(Exception):
    """The text is no brief; `phrase` says why and what to do."""

    def __init__(self, phrase: Phrase) -> None:
        super().__init__("bad brief")
        self.phrase = phrase


@dataclass(frozen=True, slots=True)
class Brief:
    """What to write, as which kind, sampled how."""

    recipe: str
    text: str
    options: Options

    def __post_init__(self) -> None:
        assert self.text == self.text.strip() != ""


def parse(text: str, recipes: Mapping[str, Recipe], defaults: Options, limit: int) -> Brief:
    """The brief that `text` is; `limit` in characters. Raises BadBrief."""
    rest = checked(text, limit)
    chosen: dict[str, str] = {}
    rest = _take_options(rest, chosen, strict=True)
    recipe = recipes["text"]
    if (match := KIND.match(rest)) and (found := find_recipe(recipes, match[1])):
        recipe = found
        rest = _take_options(rest[match.end() :], chosen, strict=False)
    if kind := chosen.pop(KIND_OPTION, None):
        recipe = _known_recipe(recipes, kind)
    if not rest.strip():
        raise BadBrief(phrases.nothing_to_write())
    return Brief(recipe.name, rest.strip(), _with(defaults, chosen))


def checked(text: str, limit: int) -> str:
    """`text` without what nobody can see. Raises BadBrief if nothing is left, or too much."""
    seen = visible(text).strip()
    if not seen:
        raise BadBrief(phrases.nothing_to_write())
    if len(seen) > limit:
        raise BadBrief(phrases.too_long(len(seen), limit))
    return seen


def _take_options(text: str, chosen: dict[str, str], *, strict: bool) -> str:
    """Move leading options into `chosen`. Not strict: an unknown name begins the text instead."""
    known = [*Options.model_fields, KIND_OPTION]
    while match := OPTION.match(text):
        name = match[1].lower().replace("-", "_")
        if name not in known:
            if not strict:
                break
            near = difflib.get_close_matches(name, known, n=1)
            raise BadBrief(phrases.unknown_option(match[1], near[0] if near else None, known))
        chosen[name] = match[2]
        text = text[match.end() :]
    return text


def _known_recipe(recipes: Mapping[str, Recipe], kind: str) -> Recipe:
    if recipe := find_recipe(recipes, kind):
        return recipe
    near = difflib.get_close_matches(kind, list(recipes), n=1)
    raise BadBrief(phrases.unknown_kind(kind, near[0] if near else None, list(recipes)))


def _with(defaults: Options, chosen: Mapping[str, str]) -> Options:
    try:
        return Options.model_validate({**defaults.model_dump(), **chosen})
    except ValidationError as error:
        first = error.errors(include_input=False, include_context=False)[0]
        name = str(first["loc"][0])
        raise BadBrief(phrases.bad_option(name, chosen[name], first["msg"])) from None

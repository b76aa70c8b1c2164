"""Kinds of text. A recipe is a small TOML file: its names, and what to ask the model for."""

import tomllib
import unicodedata
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, Field, ValidationError, model_validator

from bot.drafting.brief.options import (
    TONES,
    MaxTokens,
    RepetitionPenalty,
    StrictModel,
    Temperature,
    TopK,
    TopP,
    Words,
)
from bot.errors import OperatorError, validation_problems
from bot.messages import Language

PACKAGED = Path(__file__).parent / "recipes"
FREE = "text"  # The kind of a brief that names none.


def _a_tone(name: str) -> str:
    if name not in TONES:
        raise ValueError(f"one of {', '.join(TONES)}")
    return name


Name = Annotated[str, Field(pattern=r"^[^\s:：`=][^:：`=\n]{0,30}$")]
Tone = Annotated[str, AfterValidator(_a_tone)]


class Wording(StrictModel):
    """A recipe in one language. `words` (in Chinese: characters) is the usual length."""

    title: str = Field(min_length=1, max_length=60)
    names: tuple[Name, ...] = Field(min_length=1)
    ask: str = Field(min_length=1, max_length=2000)
    structure: str = Field("", max_length=2000)
    words: Words = None
    example: str = Field(min_length=1, max_length=200)


class NetworkLimit(StrictModel):
    """The limit of a network. `wide`: a character of East Asia counts twice, as on X."""

    characters: int = Field(ge=20, le=100_000)
    wide: bool = False
    names: tuple[Name, ...] = ()

    def count(self, text: str) -> int:
        """Return the characters of the text as the network counts them."""
        wide = sum(unicodedata.east_asian_width(c) in "WF" for c in text) if self.wide else 0
        return len(text) + wide


class RecipeSampling(StrictModel):
    """How this kind is sampled, if not as the settings say."""

    temperature: Temperature | None = None
    top_k: TopK | None = None
    top_p: TopP | None = None
    repetition_penalty: RepetitionPenalty | None = None
    max_tokens: MaxTokens | None = None


class Recipe(StrictModel):
    """One kind of text, in at least one language. `signed`: its writer signs it.

    `dated`: it tells of what was or will be, so that the model has to know today's date.
    """

    name: str = Field(pattern=r"^[a-z][a-z0-9-]{0,31}$")
    tone: Tone | None = None
    signed: bool = False
    dated: bool = False
    sampling: RecipeSampling = RecipeSampling()
    limits: dict[Name, NetworkLimit] = Field({})
    en: Wording | None = None
    zh: Wording | None = None

    @model_validator(mode="after")
    def _in_some_language(self) -> Self:
        if not (self.en or self.zh):
            raise ValueError("a table [en] or [zh] is missing")
        return self

    def wording(self, language: Language) -> Wording:
        """Return the recipe in this language, else in the other."""
        chosen = {"en": self.en, "zh": self.zh}[language] or self.en or self.zh
        assert chosen is not None
        return chosen

    @property
    def names(self) -> Iterator[str]:
        """All its names, with those of its networks."""
        yield self.name
        for wording in filter(None, (self.en, self.zh)):
            yield from wording.names
        yield from self.networks

    @property
    def networks(self) -> dict[str, str]:
        """The network by each of its names."""
        return {n: name for name, limit in self.limits.items() for n in (name, *limit.names)}


def load_recipes(folder: Path | None = None) -> dict[str, Recipe]:
    """Return the packaged recipes and an operator's, which win, by name. Raises OperatorError."""
    if folder is not None and not folder.is_dir():
        raise OperatorError(f"The folder of recipes, {folder}, is not there: check RECIPES.")
    folders = [PACKAGED, folder] if folder else [PACKAGED]
    loaded = [_load(path) for each in folders for path in sorted(each.glob("*.toml"))]
    recipes = {recipe.name: recipe for recipe in loaded}
    _check_names(recipes)
    return recipes


def _load(path: Path) -> Recipe:
    try:
        return Recipe.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except ValidationError as error:
        at, what = next(validation_problems(error))
        place = ".".join(at) or "its top"
        raise OperatorError(f"The recipe {path} is wrong at {place}: {what}.") from None
    except (ValueError, OSError) as error:
        raise OperatorError(f"The recipe {path} cannot be read: {error}.") from None


def _check_names(recipes: Mapping[str, Recipe]) -> None:
    owners: dict[str, str] = {}
    for recipe in recipes.values():
        for name in recipe.names:
            owner = owners.setdefault(fold_name(name), recipe.name)
            if owner != recipe.name:
                raise OperatorError(
                    f"The recipes {owner} and {recipe.name} are both called {name!r}."
                )


def find_recipe(recipes: Mapping[str, Recipe], name: str) -> Recipe | None:
    """Find the recipe that has this name, as `fold_name` compares names."""
    wanted = fold_name(name)
    return next((r for r in recipes.values() if wanted in map(fold_name, r.names)), None)


def fold_name(name: str) -> str:
    """Return a name without what makes no difference: case, width, hyphens, spaces."""
    plain = unicodedata.normalize("NFKC", name).casefold()
    return "".join(c for c in plain if c not in "-_" and not c.isspace())


def recipe_or_free(recipes: Mapping[str, Recipe], name: str) -> Recipe:
    """Return the recipe of a thread; free text where the operator took it away since."""
    return recipes.get(name) or recipes[FREE]

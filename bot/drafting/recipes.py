"""Kinds of text. A recipe is a small TOML file: what to ask the model for, and by which names."""

import tomllib
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

PACKAGED = Path(__file__).parent / "recipes"


class Recipe(BaseModel):
    """One kind of text. `ask` is the sentence before the brief; `aliases` are its other names."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[a-z][a-z0-9-]{0,31}$")
    title: str = Field(max_length=60)
    ask: str = Field(max_length=2000)
    aliases: tuple[str, ...] = ()


def load_recipes(folder: Path = PACKAGED) -> dict[str, Recipe]:
    """Every recipe of a folder by its name. Raises ValueError that names the file."""
    recipes: dict[str, Recipe] = {}
    for path in sorted(folder.glob("*.toml")):
        try:
            recipe = Recipe.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
        except ValueError as error:
            raise ValueError(f"The recipe {path} is wrong: {error}") from error
        recipes[recipe.name] = recipe
    return recipes


def find_recipe(recipes: Mapping[str, Recipe], name: str) -> Recipe | None:
    """The recipe of this name or alias, whatever its case."""
    wanted = " ".join(name.casefold().split())
    for recipe in recipes.values():
        if wanted in {recipe.name, *(alias.casefold() for alias in recipe.aliases)}:
            return recipe
    return None

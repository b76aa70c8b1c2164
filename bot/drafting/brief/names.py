"""The names in a brief: which option, kind or value somebody meant, however they wrote it."""

import difflib
from collections.abc import Iterable, Mapping

from bot.drafting.brief.options import CHINESE, TONES, YES_NO, SamplingOptions
from bot.drafting.brief.recipe import Recipe, find_recipe, fold_name
from bot.messages import Named, sentence_about, sentences

KIND_OPTION = "kind"
AUDIENCE = "audience"
KNOWN = (
    KIND_OPTION,
    "tone",
    "words",
    "lang",
    AUDIENCE,
    "network",
    "private",
    "best",
    *SamplingOptions.model_fields,
)

CHINESE_NAMES = {name: typed for typed, name in CHINESE.items()}
YES_NO_CHINESE = {name: typed for typed, name in YES_NO.items() if not typed.isascii()}

# What people write instead of a name. Those of OTHER_WORDS may also begin a text.
OTHER_FORMS = {
    "kinds": "kind",
    "tones": "tone",
    "word": "words",
    "language": "lang",
    "languages": "lang",
    "langs": "lang",
    "audiences": AUDIENCE,
    "reader": AUDIENCE,
    "readers": AUDIENCE,
    "networks": "network",
    "drafts": "n",
    "temp": "temperature",
    "种类": "类型",
    "体裁": "类型",
    "口吻": "语气",
    "篇幅": "字数",
    "语种": "语言",
    "受众": "读者",
    "数量": "份数",
}
OTHER_WORDS = {
    "type": "kind",
    "style": "tone",
    "voice": "tone",
    "length": "words",
    "platform": "network",
    "count": "n",
    "tokens": "max_tokens",
}

# How alike (0 to 1) a word must be to a name that we know, to count as a slip.
SLIP = 0.76


def option_name(typed: str) -> str:
    """Return the main name of an option, or the folded word if it is none."""
    name = typed.lower().replace("-", "_")
    return CHINESE.get(name, name)


def near_option(typed: str, *, strict: bool) -> str | None:
    """Return the option that was meant. Strict: `typed` is surely an option, so guess freely."""
    name = option_name(typed)
    forms = {**OTHER_FORMS, **(OTHER_WORDS if strict else {})}
    return forms.get(name) or closest(typed, (*KNOWN, *CHINESE), strict=strict)


def named_option(name: str) -> Named:
    """Return the names of an option, by its main name."""
    return Named(name, CHINESE_NAMES.get(name, name))


def named_kind(recipe: Recipe) -> Named:
    """Return the names of a kind of text, as `/draft help` has them."""
    return Named(recipe.name, recipe.wording("zh").names[0])


def named_value(option: str, value: str, networks: Mapping[str, str]) -> Named:
    """Return the names of a value, by its main name; `networks`: each by each of its names."""
    if option == "lang":
        return Named(value, sentence_about("language", value).to("zh"))
    others = (name for name, main in networks.items() if main == value and not name.isascii())
    yes_no = YES_NO_CHINESE.get(value)
    chinese = {"tone": TONES.get(value), "private": yes_no, "best": yes_no}
    if option == "network":
        return Named(value, next(others, value))
    return Named(value, chinese.get(option) or value)


def meant_by(near: str, main: Named) -> Named:
    """Return a name that somebody nearly typed, and the main name in the other language."""
    return Named(near, main.zh) if near.isascii() else Named(main.en, near)


def find_name(known: Mapping[str, str], value: str) -> str | None:
    """Return what has this name, as `fold_name` compares names."""
    wanted = fold_name(value)
    return next((counts for name, counts in known.items() if fold_name(name) == wanted), None)


def values_of(option: str, networks: Mapping[str, str]) -> Mapping[str, str]:
    """Return the values of an option of words by each of their names; {} for other options."""
    if option == "tone":
        return {**{tone: tone for tone in TONES}, **{word: tone for tone, word in TONES.items()}}
    words = {"lang": sentences.language_names(), "network": networks}
    known = {**words, "private": YES_NO, "best": YES_NO}
    return known.get(option, {})


def option_with(value: str, but: str, recipes: Mapping[str, Recipe]) -> tuple[str, str] | None:
    """Return another option that has this value, and the value's main name there."""
    networks = all_networks(recipes)
    for option in ("tone", "lang", "network"):
        if option != but and (found := find_name(values_of(option, networks), value)):
            return option, found
    recipe = find_recipe(recipes, value) if but != KIND_OPTION else None
    return (KIND_OPTION, recipe.name) if recipe else None


def all_networks(recipes: Mapping[str, Recipe]) -> dict[str, str]:
    """Return the networks of all kinds by each of their names."""
    return {name: network for r in recipes.values() for name, network in r.networks.items()}


def kind_names(recipes: Mapping[str, Recipe]) -> list[str]:
    """Return all names of all kinds."""
    return [name for recipe in recipes.values() for name in recipe.names]


def closest(word: str, names: Iterable[str], *, strict: bool) -> str | None:
    """Return the name that was meant. Strict: `word` is surely a name, so guess freely."""
    by_folded = {fold_name(name): name for name in names}
    typed = fold_name(word)
    for name, meant in by_folded.items():
        if len(typed) > 2 and sorted(name) == sorted(typed):
            return meant
    cutoff = 0.6 if strict else 0.9 if " " in word else SLIP
    close = difflib.get_close_matches(typed, by_folded, n=1, cutoff=cutoff)
    return by_folded[close[0]] if close else None

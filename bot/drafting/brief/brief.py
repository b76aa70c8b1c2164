"""Reads what a person typed as a brief, or raises one sentence that says what to do.

[option=value ...] [kind:] [option=value ...] what to write [option=value ...]
"""

import difflib
import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from annotated_types import Ge, Gt, Le
from pydantic import ValidationError

from bot.drafting.brief.languages import language_among, language_of
from bot.drafting.brief.options import CHINESE, TONES, YES_NO, Options, SamplingOptions
from bot.drafting.brief.recipe import FREE, Recipe, find_recipe, fold_name
from bot.errors import UserError, validation_problems
from bot.messages import Sentence, sentence, sentences
from safety import visible

OPTION = re.compile(
    r"([^\W\d][\w-]{0,31})[=＝](?:[\"“”]([^\"“”\n]*)[\"“”]|([^\s,，;；、]*))[\s,，;；、]*"
)
LAST_OPTION = re.compile(
    r"(?:\A|[\s,，;；])([^\W\d][\w-]{0,31})[=＝]"
    r"(?:[\"“”]([^\"“”\n]*)[\"“”]|([^\s,，;；、=＝\"“”]+))\s*\Z"
)
KIND = re.compile(r"([^\s:：][^:：\n]{0,30}?)\s*[:：]\s*")
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
    *SamplingOptions.model_fields,
)
HELP = {"help", "?", "？", "--help", "-h", "帮助"}
STOP = {"stop", "cancel", "停止", "取消"}

LONGEST_AUDIENCE = 100

# How alike (0 to 1) a word must be to a name that we know, to count as a slip.
SLIP = 0.76
TOKENS_A_WORD = 2  # With room for the end of the text.
SHORTEST_WORD = 4  # Characters, with its space.


class BadBrief(UserError):
    """The text is no brief; `option` names the option that is wrong, if one is."""

    def __init__(self, sentence: Sentence, option: str | None = None) -> None:
        super().__init__(sentence)
        self.option = option


@dataclass(frozen=True, slots=True)
class Brief:
    """What to write, as which kind, with which options."""

    recipe: str
    text: str
    options: Options

    def __post_init__(self) -> None:
        assert self.text == self.text.strip() != ""


def parse(
    text: str,
    recipes: Mapping[str, Recipe],
    defaults: Options,
    *,
    limit: int,
    languages: Collection[str],
    chosen: Mapping[str, str] = MappingProxyType({}),
) -> Brief:
    """Read a brief of at most `limit` characters, in one of the `languages` of the model.

    `chosen`: options by their names; those in the text override them. Raises BadBrief.
    """
    rest, picked = check_text(text, limit), dict(chosen)
    rest = _take_options(rest, picked, strict=True)
    recipe, rest = _take_kind(rest, recipes, picked)
    rest = _take_last_options(rest.strip(), picked)
    if not rest:
        raise BadBrief(sentence("nothing_to_write"))
    audience = _audience_line(picked.pop(AUDIENCE, None), rest)
    options = _options(defaults, recipe, picked)
    check_language(rest, languages, asked=options.lang)
    lang = options.lang or language_among(rest, languages)
    return Brief(recipe.name, rest + audience, options.model_copy(update={"lang": lang}))


def _audience_line(readers: str | None, text: str) -> str:
    """Return a line of the brief, so that the filter and the reviewers see it. Raises BadBrief."""
    if readers is None:
        return ""
    if not 0 < len(readers) <= LONGEST_AUDIENCE:
        most = sentence("characters", most=LONGEST_AUDIENCE)
        raise BadBrief(sentences.bad_option(AUDIENCE, readers, most), AUDIENCE)
    return f"\n读者：{readers}" if language_of(text) == "zh" else f"\nReaders: {readers}"


def check_text(text: str, limit: int) -> str:
    """Return the visible text. Raises BadBrief if nothing is left, or too much."""
    seen = visible(text).strip()
    if not seen:
        raise BadBrief(sentence("nothing_to_write"))
    if len(seen) > limit:
        raise BadBrief(sentence("too_long", characters=len(seen), limit=limit))
    return seen


def check_language(text: str, languages: Collection[str], *, asked: str | None = None) -> None:
    """Raise BadBrief if the model does not write the text's language, or the one asked for."""
    for code in (language_among(text, languages), asked):
        if code is not None and code not in languages:
            raise BadBrief(sentences.other_language(code, languages))


def is_help(text: str) -> bool:
    """Say whether somebody asks how this works."""
    return visible(text).strip().casefold() in HELP


def is_stop(text: str) -> bool:
    """Say whether somebody wants to stop their running drafts."""
    return visible(text).strip().casefold() in STOP


def _take_options(text: str, chosen: dict[str, str], *, strict: bool) -> str:
    """Move options at the beginning into `chosen`, and return the rest.

    Not strict: an unknown name begins the text.
    """
    while match := OPTION.match(text):
        name = _option_name(match[1])
        if name not in KNOWN:
            near = _closest(match[1], (*KNOWN, *CHINESE), strict=strict)
            if near is None and not strict:
                break
            raise BadBrief(sentences.unknown_option(match[1], near, KNOWN))
        chosen[name] = _option_value(match)
        text = text[match.end() :]
    return text


def _take_last_options(text: str, chosen: dict[str, str]) -> str:
    """Move options at the end into `chosen`, and return the rest; unknown names stay text."""
    while match := LAST_OPTION.search(text):
        name = _option_name(match[1])
        if name not in KNOWN or name == KIND_OPTION:
            near = _closest(match[1], (*KNOWN, *CHINESE), strict=False)
            if near is None:
                break
            raise BadBrief(sentences.unknown_option(match[1], near, KNOWN))
        chosen.setdefault(name, _option_value(match))
        text = text[: match.start()].rstrip(" \n\t,，;；、")
    return text


def _option_name(typed: str) -> str:
    name = typed.lower().replace("-", "_")
    return CHINESE.get(name, name)


def _option_value(match: re.Match[str]) -> str:
    _, quoted, plain = match.groups()
    return unicodedata.normalize("NFKC", plain if quoted is None else quoted.strip())


def _take_kind(
    text: str, recipes: Mapping[str, Recipe], chosen: dict[str, str]
) -> tuple[Recipe, str]:
    """Return the kind and the text after it. The network of `tweet:` goes into `chosen`."""
    recipe, kind = None, None
    if match := KIND.match(text):
        kind = match[1]
        if recipe := find_recipe(recipes, kind):
            text = _take_options(text[match.end() :], chosen, strict=False)
        elif KIND_OPTION not in chosen and (near := _closest(kind, _names(recipes), strict=False)):
            raise BadBrief(sentences.unknown_kind(kind, near, list(recipes)))
    if KIND_OPTION in chosen:
        kind = chosen.pop(KIND_OPTION)
        recipe = find_recipe(recipes, kind)
        if recipe is None:
            near = _closest(kind, _names(recipes), strict=True)
            raise BadBrief(sentences.unknown_kind(kind, near, list(recipes)))
    if recipe is None:
        return _default_recipe(recipes, chosen), text
    if network := _find_name(recipe.networks, kind or ""):
        chosen.setdefault("network", network)
    return recipe, text


def _default_recipe(recipes: Mapping[str, Recipe], chosen: Mapping[str, str]) -> Recipe:
    """Return the recipe of a named network, else free text."""
    network = chosen.get("network", "")
    written = (r for r in recipes.values() if _find_name(r.networks, network))
    return next(written, recipes[FREE])


def _names(recipes: Mapping[str, Recipe]) -> list[str]:
    return [name for recipe in recipes.values() for name in recipe.names]


def _options(defaults: Options, recipe: Recipe, chosen: Mapping[str, str]) -> Options:
    """Combine what was chosen, what the kind says, and the settings, in this order.

    Raises BadBrief.
    """
    usual = {**defaults.model_dump(), **recipe.sampling.model_dump(exclude_none=True)}
    picked = {name: _known_value(name, value, recipe) for name, value in chosen.items()}
    try:
        options = Options.model_validate({**usual, **picked})
    except ValidationError as error:
        (name, *_), _ = next(validation_problems(error))
        raise BadBrief(sentences.bad_option(name, chosen[name], range_of(name)), name) from None
    if options.words is None:
        return options
    _check_words(options.words, recipe, options.network)
    tokens = max(options.max_tokens, options.words * TOKENS_A_WORD)
    return options if "max_tokens" in chosen else options.model_copy(update={"max_tokens": tokens})


def _known_value(name: str, value: str, recipe: Recipe) -> str:
    """Return the value, or the main name of what it names. Raises BadBrief."""
    if name not in ("tone", "lang", "network", "private"):
        return value
    if name == "network" and not recipe.networks:
        raise BadBrief(sentences.bad_option(name, value, sentence("no_networks")), name)
    tones = {**{tone: tone for tone in TONES}, **{word: tone for tone, word in TONES.items()}}
    languages, networks = sentences.language_names(), recipe.networks
    known = {"tone": tones, "lang": languages, "network": networks, "private": YES_NO}[name]
    if (found := _find_name(known, value)) is not None:
        return found
    near = _closest(value, known, strict=True)
    said = sentences.choices(list(dict.fromkeys(known.values())), near)
    raise BadBrief(sentences.bad_option(name, value, said), name)


def _find_name(known: Mapping[str, str], value: str) -> str | None:
    wanted = fold_name(value)
    return next((counts for name, counts in known.items() if fold_name(name) == wanted), None)


def _check_words(words: int, recipe: Recipe, network: str | None) -> None:
    """Raise BadBrief if so many words are too long for the network."""
    limit = recipe.limits.get(network or "")
    if limit is not None and words * SHORTEST_WORD > limit.characters:
        most = sentences.range_of(10, limit.characters // SHORTEST_WORD, whole=True, above=False)
        raise BadBrief(sentences.bad_option("words", str(words), most), "words")


def range_of(name: str) -> Sentence:
    """Say which numbers an option takes, by its declaration."""
    field = Options.model_fields[name]
    bounds = {type(bound): bound for bound in field.metadata}
    above = bounds.get(Gt)
    low = above.gt if above else bounds[Ge].ge
    whole = field.annotation is not float
    return sentences.range_of(low, bounds[Le].le, whole=whole, above=above is not None)


def _closest(word: str, names: Iterable[str], *, strict: bool) -> str | None:
    """Return the name that was meant. Strict: `word` is surely a name, so guess freely."""
    by_folded = {fold_name(name): name for name in names}
    typed = fold_name(word)
    for name, meant in by_folded.items():
        if len(typed) > 2 and sorted(name) == sorted(typed):
            return meant
    cutoff = 0.6 if strict else 0.9 if " " in word else SLIP
    close = difflib.get_close_matches(typed, by_folded, n=1, cutoff=cutoff)
    return by_folded[close[0]] if close else None

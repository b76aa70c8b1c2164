"""Reads what a person typed as a brief, or raises one sentence that says what to do.

[option=value ...] [kind:] [option=value ...] what to write [option=value ...]
"""

import re
import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from annotated_types import Ge, Gt, Le
from pydantic import ValidationError

from bot.drafting.brief.languages import language_among, language_of
from bot.drafting.brief.names import (
    AUDIENCE,
    KIND_OPTION,
    KNOWN,
    all_networks,
    closest,
    find_name,
    kind_names,
    meant_by,
    named_kind,
    named_option,
    named_value,
    near_option,
    option_name,
    option_with,
    values_of,
)
from bot.drafting.brief.options import Options
from bot.drafting.brief.recipe import FREE, Recipe, find_recipe
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
HELP = {"help", "?", "？", "--help", "-h", "帮助"}
STOP = {"stop", "cancel", "停止", "取消"}

# After the command: the form of the house's voice; True: of the channel's alone.
VOICES: Mapping[str, bool] = {
    "voice": False,
    "voice here": True,
    "文风": False,
    "本频道文风": True,
}

# Whole replies that silence the bot in a thread, and that let it speak again.
MUTING: Mapping[str, bool] = {
    "mute": True,
    "静音": True,
    "安静": True,
    "unmute": False,
    "取消静音": False,
}

# Whole commands that say whether the likely best of several drafts is all that a channel is shown.
SHOWING_BEST: Mapping[str, bool] = {
    "best on": True,
    "best off": False,
    "择优开": True,
    "择优关": False,
}

LONGEST_AUDIENCE = 100
TOKENS_A_WORD = 2  # With room for the end of the text.
BEST_OF = 3  # Drafts that the best is chosen from, where nobody says how many.
SHORTEST_WORD = 4  # Characters, with its space.


@dataclass(frozen=True, slots=True)
class Understood:
    """What could be read of a text in spite of a slip, to fill in a form.

    `options` have values that are right, or what was probably meant; `kind` among them. `text` is
    the rest, in full.
    """

    options: Mapping[str, str]
    text: str


class BadBrief(UserError):
    """The text is no brief; `option` names the option that is wrong, if one is.

    `typed`: it stands in the text, and was not chosen in a form. `version` is the draft that the
    text wants changed, if it does.
    """

    def __init__(
        self, sentence: Sentence, option: str | None = None, *, typed: bool = True
    ) -> None:
        super().__init__(sentence)
        self.option = option
        self.typed = typed
        self.understood = Understood({}, "")
        self.version: int | None = None


@dataclass(frozen=True, slots=True)
class Brief:
    """What to write, as which kind, with which options; `chosen` names those that it says."""

    recipe: str
    text: str
    options: Options
    chosen: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        assert self.text == self.text.strip() != ""


@dataclass(slots=True)
class _Reading:
    """A text that is being read: what is left of it, what was read, and the first slip.

    `before`: what looks like an option and is none, so that it belongs to the text.
    """

    text: str
    options: dict[str, str]
    typed: set[str] = field(default_factory=set)
    before: str = ""
    slip: BadBrief | None = None

    def object_to(self, sentence: Sentence, option: str | None = None) -> None:
        """Note what is wrong, and read on: only the first slip is told."""
        if self.slip is None:
            typed = option is None or option in self.typed
            self.slip = BadBrief(sentence, option, typed=typed)

    @property
    def whole_text(self) -> str:
        """What is to be written, or may be."""
        return f"{self.before}{self.text}".strip()


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

    `chosen`: options of a form, by their names; those in the text override them. Raises BadBrief.
    """
    read = _Reading(visible(text).strip(), dict(chosen))
    if len(read.text) > limit:
        read.object_to(sentence("too_long", characters=len(read.text), limit=limit))
    # Beside a kind that was chosen in a form, an unknown option begins the text.
    _take_options(read, strict=KIND_OPTION not in chosen)
    _take_last_options(read)
    recipe = _take_kind(read, recipes)
    audience = _audience_line(read)
    options = _options(read, recipe or _default_recipe(recipes, read.options), defaults, recipes)
    if not read.whole_text:
        read.object_to(sentence("nothing_to_write"))
    lang = _language(read, options.lang, languages)
    if read.slip is not None:
        kind = {KIND_OPTION: recipe.name} if recipe else {}
        read.slip.understood = Understood({**read.options, **kind}, read.whole_text)
        raise read.slip
    name = (recipe or _default_recipe(recipes, read.options)).name
    options = options.model_copy(update={"lang": lang})
    return Brief(name, read.whole_text + audience, options, frozenset(read.options))


def _audience_line(read: _Reading) -> str:
    """Return a line of the brief, so that the filter and the reviewers see it."""
    readers = read.options.get(AUDIENCE)
    if readers is None:
        return ""
    if not 0 < len(readers) <= LONGEST_AUDIENCE:
        most = sentence("characters", most=LONGEST_AUDIENCE)
        read.object_to(sentences.bad_option(named_option(AUDIENCE), readers, most), AUDIENCE)
        read.options[AUDIENCE] = readers[:LONGEST_AUDIENCE]
    zh = language_of(read.whole_text) == "zh"
    return f"\n读者：{readers}" if zh else f"\nReaders: {readers}"


def _language(read: _Reading, asked: str | None, languages: Collection[str]) -> str | None:
    """Return the language to write in, if it is known."""
    try:
        check_language(read.whole_text, languages, asked=asked)
    except BadBrief as bad:
        read.object_to(bad.sentence)
    return asked or language_among(read.whole_text, languages)


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


def voice_asked(text: str) -> bool | None:
    """Return False where the form of the house's voice is wanted, True of the channel's; None."""
    return VOICES.get(" ".join(visible(text).casefold().split()))


def muted_by(text: str) -> bool | None:
    """Say whether a reply silences the bot, or lets it speak again; None: neither."""
    return MUTING.get(visible(text).strip().casefold())


def best_asked(text: str) -> bool | None:
    """Say whether a command makes `best=yes` usual in its channel, or ends that; None: neither."""
    return SHOWING_BEST.get(" ".join(visible(text).split()).casefold())


def is_muting(text: str) -> bool:
    """Say whether somebody wants to silence the bot, or to let it speak again."""
    return muted_by(text) is not None


def _take_options(read: _Reading, *, strict: bool) -> None:
    """Take the options at the beginning. Not strict: an unknown name begins the text."""
    while match := OPTION.match(read.text):
        name = option_name(match[1])
        if name not in KNOWN:
            near = near_option(match[1], strict=strict)
            if near is None and not strict:
                return
            _object_to_name(read, match[1], near)
            if near is None:
                read.before += match[0]
                read.text = read.text[match.end() :]
                continue
            name = option_name(near)
        read.options[name] = _option_value(match)
        read.typed.add(name)
        read.text = read.text[match.end() :]


def _take_last_options(read: _Reading) -> None:
    """Take the options at the end; unknown names stay text. Earlier ones win."""
    last: dict[str, str] = {}
    while match := LAST_OPTION.search(read.text):
        name = option_name(match[1])
        if name not in KNOWN:
            near = near_option(match[1], strict=False)
            if near is None:
                break
            _object_to_name(read, match[1], near)
            name = option_name(near)
        last.setdefault(name, _option_value(match))
        read.text = read.text[: match.start()].rstrip(" \n\t,，;；、")
    for name in last.keys() - read.typed:
        read.options[name] = last[name]
        read.typed.add(name)


def _object_to_name(read: _Reading, typed: str, near: str | None) -> None:
    if near:
        read.object_to(sentences.use_option(typed, named_option(option_name(near))))
    else:
        read.object_to(sentences.unknown_option(typed, list(map(named_option, KNOWN))))


def _option_value(match: re.Match[str]) -> str:
    _, quoted, plain = match.groups()
    return unicodedata.normalize("NFKC", plain if quoted is None else quoted.strip())


def _take_kind(read: _Reading, recipes: Mapping[str, Recipe]) -> Recipe | None:
    """Return the kind that was named, if one was; its network, of `tweet:`, becomes an option."""
    asked = read.options.pop(KIND_OPTION, None)
    named, word = None, ""
    if match := KIND.match(read.text):
        word = match[1]
        named = find_recipe(recipes, word)
        if named is None and asked is None:
            near = closest(word, kind_names(recipes), strict=False)
            named = find_recipe(recipes, near or "")
            if named:
                meant = meant_by(near or "", named_kind(named))
                read.object_to(sentences.use_kind(word, meant))
        if named:
            read.text = read.text[match.end() :]
            _take_options(read, strict=False)
    asked = read.options.pop(KIND_OPTION, asked)
    recipe = _recipe_asked(read, asked, recipes) if asked is not None else None
    if recipe and named and recipe is not named:
        read.object_to(sentences.two_kinds(*map(named_kind, (recipe, named))), KIND_OPTION)
    recipe = recipe or named
    network = find_name(recipe.networks, asked or word) if recipe else None
    if network:
        read.options.setdefault("network", network)
    return recipe


def _recipe_asked(read: _Reading, kind: str, recipes: Mapping[str, Recipe]) -> Recipe | None:
    """Return the kind that `kind=` names, or probably means."""
    if found := find_recipe(recipes, kind):
        return found
    if meant := option_with(kind, KIND_OPTION, recipes):
        _object_to_place(read, KIND_OPTION, kind, meant, recipes)
        return None
    near = closest(kind, kind_names(recipes), strict=True)
    recipe = find_recipe(recipes, near or "")
    if near and recipe:
        said = sentences.use_kind(kind, meant_by(near, named_kind(recipe)))
    else:
        said = sentences.unknown_kind(kind, list(map(named_kind, recipes.values())))
    read.object_to(said, KIND_OPTION)
    return recipe


def _object_to_place(
    read: _Reading, name: str, value: str, place: tuple[str, str], recipes: Mapping[str, Recipe]
) -> None:
    """Object to a value that is one of another option, which takes it: `place` names both."""
    other, meant = place
    if other == KIND_OPTION:
        shown = named_kind(recipes[meant])
    else:
        shown = named_value(other, meant, all_networks(recipes))
    said = sentences.other_option(named_option(name), value, named_option(other), shown)
    read.object_to(said, name)
    read.options.setdefault(other, meant)


def _default_recipe(recipes: Mapping[str, Recipe], options: Mapping[str, str]) -> Recipe:
    """Return the recipe of a network that was named, or probably meant, else free text."""
    network = options.get("network")
    if network is None:
        return recipes[FREE]
    having = [recipe for recipe in recipes.values() if recipe.networks]
    exact = (recipe for recipe in having if find_name(recipe.networks, network))
    near = (recipe for recipe in having if closest(network, recipe.networks, strict=True))
    return next(exact, None) or next(near, None) or next(iter(having), recipes[FREE])


def _options(
    read: _Reading, recipe: Recipe, defaults: Options, recipes: Mapping[str, Recipe]
) -> Options:
    """Combine what was chosen, what the kind says, and the settings, in this order.

    What is wrong is objected to and left out.
    """
    usual = {**defaults.model_dump(), **recipe.sampling.model_dump(exclude_none=True)}
    for name in [name for name in read.options if name in Options.model_fields]:
        _take_value(read, name, recipe, recipes)
    picked = {name: read.options[name] for name in Options.model_fields if name in read.options}
    if "network" in picked and not recipe.networks:
        del picked["network"]
    try:
        options = Options.model_validate({**usual, **picked})
    except ValidationError as error:
        for (name, *_), _ in validation_problems(error):
            value = read.options.pop(name)
            read.object_to(sentences.bad_option(named_option(name), value, range_of(name)), name)
        return _options(read, recipe, defaults, recipes)
    if options.words is None:
        return options
    _check_words(read, options.words, recipe, options.network)
    tokens = max(options.max_tokens, options.words * TOKENS_A_WORD)
    return options if "max_tokens" in picked else options.model_copy(update={"max_tokens": tokens})


def _take_value(read: _Reading, name: str, recipe: Recipe, recipes: Mapping[str, Recipe]) -> None:
    """Replace the name of a value, such as a tone, by its main name, or by what was meant."""
    networks = recipe.networks or all_networks(recipes)
    known, value = values_of(name, networks), read.options[name]
    if not known:
        return
    if (found := find_name(known, value)) is not None:
        read.options[name] = found
        if name == "network" and not recipe.networks:
            read.object_to(sentence("no_networks"), name)
        return
    del read.options[name]
    if meant := option_with(value, name, recipes):
        _object_to_place(read, name, value, meant, recipes)
        return
    near = closest(value, known, strict=True)
    mains = {main: named_value(name, main, networks) for main in known.values()}
    shown = meant_by(near, mains[known[near]]) if near else None
    said = sentences.choices(list(mains.values()), shown)
    read.object_to(sentences.bad_option(named_option(name), value, said), name)
    if near:
        read.options[name] = known[near]


def _check_words(read: _Reading, words: int, recipe: Recipe, network: str | None) -> None:
    """Object if so many words are too long for the network."""
    limit = recipe.limits.get(network or "")
    if limit is not None and words * SHORTEST_WORD > limit.characters:
        most = sentences.range_of(10, limit.characters // SHORTEST_WORD, whole=True, above=False)
        read.object_to(sentences.bad_option(named_option("words"), str(words), most), "words")


@dataclass(frozen=True, slots=True)
class NumberRange:
    """Which numbers an option takes. `above`: the lowest is left out."""

    low: float
    high: float
    whole: bool
    above: bool


def numbers_of(name: str) -> NumberRange:
    """Return which numbers an option takes, by its declaration."""
    field = Options.model_fields[name]
    bounds = {type(bound): bound for bound in field.metadata}
    above = bounds.get(Gt)
    low = above.gt if above else bounds[Ge].ge
    whole = field.annotation is not float
    return NumberRange(low, bounds[Le].le, whole, above is not None)


def range_of(name: str) -> Sentence:
    """Say which numbers an option takes."""
    numbers = numbers_of(name)
    return sentences.range_of(numbers.low, numbers.high, whole=numbers.whole, above=numbers.above)

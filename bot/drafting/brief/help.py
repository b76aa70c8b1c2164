"""What `/draft help` says: the kinds that there are, with an example of each, and the options."""

from collections.abc import Iterator, Mapping, Sequence

from bot.drafting.brief.brief import LONGEST_AUDIENCE, range_of
from bot.drafting.brief.options import CHINESE, TONES, Sampled
from bot.drafting.brief.recipe import Recipe
from bot.messages import Language, Sentence, sentence, sentences


def help_in(
    language: Language, recipes: Mapping[str, Recipe], written: Sequence[str]
) -> Iterator[Sentence]:
    """The parts of the help. `written`: codes of what the model writes, and so of the examples."""
    examples: Language = "zh" if "zh" in written and language == "zh" else "en"
    kinds = list(recipes.values())
    yield sentence("help_kinds", kinds=tuple(_kind(each, language, examples) for each in kinds))
    for recipe in kinds:
        if recipe.limits:
            yield _networks(recipe, language, examples)
    example, options = kinds[0].wording(examples).example, [*_options(language, written)]
    yield sentences.help_options(_name(kinds[0], language), example, options)


def _name(recipe: Recipe, language: Language) -> str:
    """What people who read this language call the kind."""
    return recipe.wording(language).names[0] if language == "zh" else recipe.name


def _kind(recipe: Recipe, language: Language, examples: Language) -> Sentence:
    title, example = recipe.wording(language).title, recipe.wording(examples).example
    return sentences.help_kind(_name(recipe, language), title, example)


def _networks(recipe: Recipe, language: Language, examples: Language) -> Sentence:
    limits = {name: limit.characters for name, limit in recipe.limits.items()}
    example = recipe.wording(examples).example
    return sentences.help_networks(_name(recipe, language), limits, example)


def _options(language: Language, written: Sequence[str]) -> Iterator[Sentence]:
    tones = [*(TONES.values() if language == "zh" else TONES)]
    yield sentences.help_option("tone", _option("tone", language), sentences.choices(tones, None))
    yield sentences.help_option("lang", _option("lang", language), sentences.choices(written, None))
    yes_no = sentences.choices(["是", "否"] if language == "zh" else ["yes", "no"], None)
    yield sentences.help_option("private", _option("private", language), yes_no)
    longest = sentence("characters", most=LONGEST_AUDIENCE)
    yield sentences.help_option("audience", _option("audience", language), longest)
    for name in ("words", *Sampled.model_fields):
        yield sentences.help_option(name, _option(name, language), range_of(name))


def _option(name: str, language: Language) -> str:
    """An option's name as people who read this language write it."""
    chinese = {counts: typed for typed, counts in CHINESE.items()}
    return chinese.get(name, name) if language == "zh" else name

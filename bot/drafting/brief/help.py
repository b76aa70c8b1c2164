"""The text of `/draft help`: the kinds, with an example of each, and the options."""

from collections.abc import Iterator, Mapping, Sequence

from bot.drafting.brief.brief import LONGEST_AUDIENCE, range_of
from bot.drafting.brief.options import CHINESE, TONES, SamplingOptions
from bot.drafting.brief.recipe import Recipe
from bot.messages import Language, Sentence, sentence, sentences


def help_in(
    language: Language, recipes: Mapping[str, Recipe], written: Sequence[str]
) -> Iterator[Sentence]:
    """Yield the parts of the help. `written`: codes of the languages that the model writes."""
    examples: Language = "zh" if "zh" in written and language == "zh" else "en"
    kinds = list(recipes.values())
    yield sentence(
        "help_kinds", kinds=tuple(_kind_help(each, language, examples) for each in kinds)
    )
    for recipe in kinds:
        if recipe.limits:
            yield _network_help(recipe, language, examples)
    example, options = kinds[0].wording(examples).example, tuple(_option_help(language, written))
    yield sentences.help_options(_kind_name(kinds[0], language), example, options)


def _kind_name(recipe: Recipe, language: Language) -> str:
    return recipe.wording(language).names[0] if language == "zh" else recipe.name


def _kind_help(recipe: Recipe, language: Language, examples: Language) -> Sentence:
    title, example = recipe.wording(language).title, recipe.wording(examples).example
    return sentences.help_kind(_kind_name(recipe, language), title, example)


def _network_help(recipe: Recipe, language: Language, examples: Language) -> Sentence:
    limits = {name: limit.characters for name, limit in recipe.limits.items()}
    example = recipe.wording(examples).example
    return sentences.help_networks(_kind_name(recipe, language), limits, example)


def _option_help(language: Language, written: Sequence[str]) -> Iterator[Sentence]:
    chinese = language == "zh"
    values = {
        "tone": sentences.choices([*(TONES.values() if chinese else TONES)], None),
        "lang": sentences.choices(written, None),
        "private": sentences.choices(["是", "否"] if chinese else ["yes", "no"], None),
        "audience": sentence("characters", most=LONGEST_AUDIENCE),
        **{name: range_of(name) for name in ("words", *SamplingOptions.model_fields)},
    }
    chinese_names = {name: typed for typed, name in CHINESE.items()}
    for name, takes in values.items():
        typed = chinese_names.get(name, name) if chinese else name
        yield sentences.help_option(name, typed, takes)

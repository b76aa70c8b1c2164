"""The text of `/draft help`: the kinds, with an example of each, and the options."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from bot.drafting.brief.brief import LONGEST_AUDIENCE, range_of
from bot.drafting.brief.names import named_kind, named_option, named_value
from bot.drafting.brief.options import TONES, SamplingOptions
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
    return named_kind(recipe).to(language)


def _kind_help(recipe: Recipe, language: Language, examples: Language) -> Sentence:
    title, example = recipe.wording(language).title, recipe.wording(examples).example
    return sentences.help_kind(_kind_name(recipe, language), title, example)


def _network_help(recipe: Recipe, language: Language, examples: Language) -> Sentence:
    limits = {name: limit.characters for name, limit in recipe.limits.items()}
    example = recipe.wording(examples).example
    return sentences.help_networks(_kind_name(recipe, language), limits, example)


def _option_help(language: Language, written: Sequence[str]) -> Iterator[Sentence]:
    def one_of(option: str, values: Iterable[str]) -> Sentence:
        return sentences.choices([named_value(option, value, {}) for value in values], None)

    values = {
        "tone": one_of("tone", TONES),
        "lang": one_of("lang", written),
        "private": one_of("private", ("yes", "no")),
        "best": one_of("best", ("yes", "no")),
        "audience": sentence("characters", most=LONGEST_AUDIENCE),
        **{name: range_of(name) for name in ("words", *SamplingOptions.model_fields)},
    }
    for name, takes in values.items():
        yield sentences.help_option(name, named_option(name).to(language), takes)

"""What people type after /draft, as a brief or as one sentence."""

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.drafting.brief import BadBrief, parse
from bot.drafting.options import Options
from bot.drafting.recipes import load_recipes

RECIPES = load_recipes()
DEFAULTS = Options(
    n=1, temperature=0.7, top_k=50, top_p=0.95, repetition_penalty=1.1, max_tokens=512, seed=7
)


@pytest.mark.parametrize(
    ("typed", "recipe", "text"),
    [
        ("blog: our new office in Lisbon", "blog", "our new office in Lisbon"),
        ("Blog Post:our new office", "blog", "our new office"),
        ("博客：里斯本的新办公室", "blog", "里斯本的新办公室"),
        ("our new office in Lisbon", "text", "our new office in Lisbon"),
        ("Note to self: buy milk", "text", "Note to self: buy milk"),
        ("kind=news our new office", "news", "our new office"),
        ("text: E=mc2 for children", "text", "E=mc2 for children"),
        ("  haiku\nabout rain  ", "text", "haiku\nabout rain"),
    ],
)
def test_the_kind_before_a_colon_chooses_the_recipe(typed: str, recipe: str, text: str) -> None:
    brief = parse(typed, RECIPES, DEFAULTS, 8000)
    assert (brief.recipe, brief.text) == (recipe, text)


@pytest.mark.parametrize("typed", ["n=3 top-k=40 blog: rain", "blog: n=3 TOP_K=40 rain"])
def test_options_stand_before_or_after_the_kind(typed: str) -> None:
    brief = parse(typed, RECIPES, DEFAULTS, 8000)
    assert (brief.recipe, brief.text) == ("blog", "rain")
    assert brief.options == DEFAULTS.model_copy(update={"n": 3, "top_k": 40})


@pytest.mark.parametrize(
    "typed",
    ["temperature=1.0 top_k=50 top_p=0.95 max_tokens=1024 n=3 rain"],
)
def test_the_classical_sampling_can_be_asked_for(typed: str) -> None:
    options = parse(typed, RECIPES, DEFAULTS, 8000).options
    assert (options.temperature, options.top_k, options.top_p) == (1.0, 50, 0.95)
    assert (options.max_tokens, options.n) == (1024, 3)


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("", "nothing to write"),
        (" \n\t ", "nothing to write"),
        ("\u200b\u200d\ufeff\x07", "nothing to write"),
        ("blog:", "nothing to write"),
        ("n=3", "nothing to write"),
        ("x" * 50_000, "50,000 characters long; I take at most 8,000"),
        ("temprature=1 rain", "Did you mean `temperature`?"),
        ("volume=11 rain", "I know `n`, `temperature`"),
        ("kind=blgo rain", "Did you mean `blog`?"),
        ("n=9 rain", "`n=9` does not work: input should be less than or equal to 5"),
        ("temperature=hot rain", "`temperature=hot` does not work"),
    ],
)
def test_what_is_no_brief_gets_one_sentence_that_says_what_to_do(typed: str, says: str) -> None:
    with pytest.raises(BadBrief) as bad:
        parse(typed, RECIPES, DEFAULTS, 8000)
    assert says in bad.value.phrase


def test_a_wrong_option_cannot_bring_markup_into_the_answer() -> None:
    with pytest.raises(BadBrief) as bad:
        parse("n=<!channel> rain", RECIPES, DEFAULTS, 8000)
    assert "<" not in bad.value.phrase


@settings(deadline=None)
@given(st.text() | st.from_regex(r"\w+=\S+ (blog: )?.*"))
def test_any_text_is_a_brief_or_a_sentence(typed: str) -> None:
    with contextlib.suppress(BadBrief):
        brief = parse(typed, RECIPES, DEFAULTS, 8000)
        assert brief.text.strip()
        assert brief.recipe in RECIPES

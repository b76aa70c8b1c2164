"""Kinds of text: the packaged ones, an operator's, and what the model is told for each."""

from datetime import date
from pathlib import Path

import pytest

from bot.drafting.brief.options import Options
from bot.drafting.brief.recipe import FREE, NetworkLimit, find_recipe, load_recipes
from bot.drafting.jobs.prompt import Conversation
from bot.drafting.voice.told import ToldVoice
from bot.errors import OperatorError

RECIPES = load_recipes()
OPTIONS = Options(
    n=1, temperature=0.7, top_k=50, top_p=0.95, repetition_penalty=1.1, max_tokens=512, seed=7
)
POEM = """
name = "poem"
tone = "playful"

[en]
title = "a poem"
names = ["verse"]
ask = "Write a poem about this:"
example = "rain"

[sampling]
temperature = 1.1
"""


def asked(kind: str, brief: str, **chosen: object) -> str:
    """Return what the model is asked in the end."""
    options = OPTIONS.model_copy(update=chosen)
    return Conversation(RECIPES[kind], brief, options).messages()[-1].content


def with_file(folder: Path, text: str) -> Path:
    (folder / "own.toml").write_text(text, encoding="utf-8")
    return folder


def test_every_kind_is_there_in_english_and_in_chinese() -> None:
    kinds = {"blog", "news", "report", "social", "lesson", "story", "script", "email", FREE}
    assert set(RECIPES) == kinds
    for recipe in RECIPES.values():
        assert recipe.en is not None
        assert recipe.zh is not None


@pytest.mark.parametrize("kind", RECIPES)
def test_every_name_of_a_kind_leads_to_it(kind: str) -> None:
    for name in RECIPES[kind].names:
        found = find_recipe(RECIPES, name.upper())
        assert found is not None
        assert found.name == kind


def test_the_model_is_told_structure_tone_length_and_last_the_brief() -> None:
    request = asked("blog", "our office")
    assert "Begin with a title" in request
    assert "Keep the tone friendly. Write about 300 words." in request
    assert request.endswith("Write a blog post about this: our office")


@pytest.mark.parametrize(
    ("kind", "brief", "lang", "told"),
    [
        ("news", "we open a factory in May", None, "Today is Monday, 30 November 2026."),
        ("email", "the workshop moves to Thursday", None, "Today is Monday, 30 November 2026."),
        ("news", "五月我们开设工厂", "zh", "今天是2026年11月30日，星期一。"),
        ("blog", "we may open a factory", None, None),
        ("story", "a tram in May", None, None),
    ],
)
def test_a_brief_with_a_time_in_it_is_written_on_a_day(
    kind: str, brief: str, lang: str | None, told: str | None
) -> None:
    options = OPTIONS.model_copy(update={"lang": lang})
    asked = Conversation(RECIPES[kind], brief, options, today=date(2026, 11, 30))
    content = asked.messages()[-1].content
    assert ("2026" in content) == (told is not None)
    assert (told or "") in content


def test_what_is_chosen_replaces_the_tone_and_length_of_the_kind() -> None:
    request = asked("blog", "our office", tone="formal", words=120)
    assert "Keep the tone formal. Write about 120 words." in request
    assert "friendly" not in request


def test_a_brief_in_chinese_is_asked_in_chinese() -> None:
    messages = Conversation(
        RECIPES["blog"], "新办公室", OPTIONS.model_copy(update={"lang": "zh"})
    ).messages()
    assert "写作者" in messages[0].content
    assert messages[1].content.endswith("请写一篇博客，内容是： 新办公室")
    assert "语气要友好。篇幅大约500字。" in messages[1].content
    assert "用中文写" not in messages[1].content


def test_another_language_than_the_briefs_is_asked_for_by_name() -> None:
    assert "Write in German." in asked("blog", "our office", lang="de")
    assert "用中文写。" in asked("blog", "our office", lang="zh")
    assert "Write in" not in asked("blog", "our office")


def test_free_text_is_asked_for_without_any_rule() -> None:
    assert asked("text", "a haiku") == "Write this: a haiku"


def test_a_post_is_asked_for_in_the_length_that_its_network_takes() -> None:
    assert "about 40 words. Use at most 280 characters in all." in asked(
        "social", "rain", network="x"
    )
    assert "at most 3000 characters" in asked("social", "rain", network="linkedin")
    assert "at most" not in asked("social", "rain")


def test_x_counts_a_character_of_east_asia_twice_and_others_once() -> None:
    limits = RECIPES["social"].limits
    assert limits["x"].count("雨 rain") == 7
    assert limits["weibo"].count("雨 rain") == 6
    assert NetworkLimit(characters=280).count("") == 0


def test_an_operator_adds_a_kind_by_dropping_a_file(tmp_path: Path) -> None:
    recipes = load_recipes(with_file(tmp_path, POEM))
    assert set(recipes) - set(RECIPES) == {"poem"}
    poem = find_recipe(recipes, "Verse")
    assert poem is recipes["poem"]
    assert poem.wording("zh") is poem.en


def test_an_operators_file_takes_the_place_of_a_packaged_kind(tmp_path: Path) -> None:
    own = POEM.replace('"poem"', '"blog"')
    assert load_recipes(with_file(tmp_path, own))["blog"].wording("en").title == "a poem"


@pytest.mark.parametrize(
    ("right", "wrong", "says"),
    [
        ("temperature = 1.1", "temperature = 3", "at sampling.temperature: Input should be less"),
        ("temperature = 1.1", "temperatur = 1", "at sampling.temperatur: Extra inputs"),
        ('tone = "playful"', 'tone = "purple"', "at tone: Value error, one of formal"),
        ('title = "a poem"', "", "at en.title: Field required"),
        ('names = ["verse"]', 'names = ["blog"]', "blog and poem are both called 'blog'"),
        ('names = ["verse"]', 'names = ["a=b"]', "at en.names.0"),
        ('name = "poem"', 'name = "Poem 1"', "at name"),
        ('name = "poem"', "name = poem", "cannot be read"),
        ("[en]", "[de]", "at de: Extra inputs"),
    ],
)
def test_a_wrong_recipe_is_named_with_its_place(
    tmp_path: Path, right: str, wrong: str, says: str
) -> None:
    assert right in POEM
    with pytest.raises(OperatorError, match=r"own\.toml|both called") as error:
        load_recipes(with_file(tmp_path, POEM.replace(right, wrong, 1)))
    assert says in str(error.value)


def test_a_folder_that_is_not_there_is_said_with_its_setting(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="check RECIPES"):
        load_recipes(tmp_path / "none")


def test_of_a_voice_the_samples_go_first_where_the_model_holds_less() -> None:
    told = ToldVoice("Our voice: calm.", ["The lift works."], "Between {mark} stand samples.")
    conversation = Conversation(RECIPES["blog"], "rain", OPTIONS, voice=told)
    assert conversation.messages()[0].content.endswith("=====\nThe lift works.\n=====")
    shorter = conversation.shorter()
    assert shorter is not None
    assert shorter.messages()[0].content.endswith("\n\nOur voice: calm.")
    assert shorter.shorter() is None

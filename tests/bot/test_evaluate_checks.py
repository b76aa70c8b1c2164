"""The checks of the evaluation: each on texts that pass and texts that do not."""

from typing import Any

import pytest

from bot.drafting.brief.options import Options
from bot.drafting.brief.recipe import load_recipes
from bot.evaluate.cases import Wish
from bot.evaluate.checks import CHECKS, Subject, check
from bot.evaluate.checks.figures import chinese_number
from bot.evaluate.checks.subject import length
from bot.messages import Language
from bot.settings import ExplicitSettings

RECIPES = load_recipes()
SCENE = """INT. PLATFORM - NIGHT
RUTH: It is late.
OMAR: (looks at the clock) It always is.
RUTH: Tea?
OMAR: Yes."""
LESSON = """Goal: you can add fractions.
Half an apple and half an apple is one apple.
1. What is 1/2 + 1/4?
2. What is 1/3 + 1/3?
3. What is 1/2 + 1/2?
Answers: 3/4, 2/3, 1"""


def subject(
    text: str,
    kind: str = "blog",
    language: Language = "en",
    *,
    told: str = "",
    finish_reason: str = "stop",
    before: str = "",
    wish: Wish | None = None,
    options: dict[str, Any] | None = None,
    **asked: Any,
) -> Subject:
    base: Options = ExplicitSettings().options(0)
    chosen = base.model_copy(update=options or {})
    return Subject(
        text,
        language,
        chosen,
        RECIPES[kind],
        told,
        finish_reason,
        wish=wish,
        before=before,
        **asked,
    )


def passes(name: str, text: str, *where: Any, **asked: Any) -> bool | None:
    return CHECKS[name](subject(text, *where, **asked))


@pytest.mark.parametrize(
    ("text", "language", "passed"),
    [
        ("The office is near the tram, and it has a library for all of us.", "en", True),
        ("办公室靠近电车站，还有图书角。", "zh", True),
        ("办公室靠近电车站。 We moved there in March, and it is a fine place.", "zh", False),
        ("The office 办公室 is near the tram.", "en", False),
        (
            "L'ufficio si trova vicino alla fermata del tram e ha una biblioteca grande, "
            "dove tutti possono leggere.",
            "en",
            False,
        ),
        ("", "en", False),
    ],
)
def test_a_text_is_in_the_language_that_was_asked_for(
    text: str, language: Language, passed: bool
) -> None:
    assert passes("language", text, "blog", language) is passed


def test_words_are_counted_in_english_and_characters_in_chinese() -> None:
    assert length("It's a well-kept house: 1,200 books.", "en") == 6
    assert length("里斯本的 Rua Augusta 有 12 家店。", "zh") == 10


@pytest.mark.parametrize(("words", "passed"), [(74, False), (75, True), (125, True), (126, False)])
def test_a_length_may_miss_what_was_asked_by_a_quarter(words: int, passed: bool) -> None:
    assert passes("length", "word " * words, options={"words": 100}) is passed
    assert passes("length", "word " * words) is None


def test_a_post_fits_its_network_as_the_network_counts() -> None:
    x = {"network": "x"}
    assert passes("limit", "字" * 140, "social", "zh", options=x) is True
    assert passes("limit", "字" * 141, "social", "zh", options=x) is False
    assert passes("limit", "字" * 141, "social", "zh") is None


def test_words_that_were_asked_for_are_found_in_any_of_their_forms() -> None:
    text = "On May 12 our **trams** carried 1,240 people."
    assert passes("asked words", text, present=["12 May|May 12", "tram", "1240"]) is True
    assert passes("asked words", text, present=["bus"]) is False
    assert passes("facts kept", text, facts=["124"]) is False
    assert passes("forbidden words", text, absent=["tram"]) is True
    assert passes("forbidden words", text, absent=["Trams"]) is False


@pytest.mark.parametrize(
    ("kind", "text", "passed"),
    [
        ("blog", "# Honey from the roof\n\nWe have bees.\n\nCome and see.", True),
        ("blog", "**Title:** Honey from the roof\n\nWe have bees.\n\nCome.", True),
        ("blog", "We have bees on the roof.\n\nThey are ours.\n\nCome and see.", False),
        ("news", "Second factory for Porto\nNovaris opens it in May.\nIt has 140 jobs.", True),
        ("news", "Second factory for Porto\nWe are glad.\nNovaris opens it in May.", False),
        ("report", "## Summary\nGood.\n**Findings**\nBad.\nConclusions\nGo on.", True),
        ("report", "Summary\nAll is good.", False),
        ("social", "The market is on Sunday! #plants", True),
        ("social", "**Plant Market**\n\nThe market is on Sunday!", False),
        ("lesson", LESSON, True),
        ("lesson", LESSON.replace("Answers", "Well"), False),
        ("story", "The Letter\n\nAgnes found it.\n\nShe read it at last.", True),
        ("script", SCENE, True),
        ("script", SCENE.replace("OMAR", "RUTH"), False),
        ("script", SCENE.replace(":", ","), False),
        ("email", "Subject: Thursday\n\nDear all,\n\nthe workshop moves.\n\nMaya", True),
        ("email", "**主题：** 研讨会改期\n\n各位同事：\n\n改到星期四。", True),
        ("email", "Dear all,\n\nthe workshop moves.", False),
    ],
)
def test_each_kind_has_its_structure(kind: str, text: str, passed: bool) -> None:
    lead = ["Porto|Novaris", "May"] if kind == "news" else []
    assert passes("structure", text, kind, lead=lead) is passed


@pytest.mark.parametrize(
    ("kind", "text", "passed"),
    [
        ("email", "Best,\n[Your Name]", False),
        ("email", "Best,\n[Office Manager]", False),
        ("email", "祝好\n[你的姓名]", False),
        ("blog", "欢迎联系XX公司。", False),
        ("blog", "See [our site](https://example.org).", True),
        ("lesson", "一半是 $\\frac{1}{half}$，____ 是多少？", True),
        ("email", "Dear {name},\nDear {first name},", False),
        ("email", "To: ____", False),
        ("script", "RUTH: Hello. [She sits down]", True),
        ("script", "RUTH: Hello, [name].", False),
    ],
)
def test_nothing_is_left_to_fill_in(kind: str, text: str, passed: bool) -> None:
    assert passes("no placeholder", text, kind) is passed


def test_brackets_of_the_material_are_no_placeholders() -> None:
    assert passes("no placeholder", "He said [Minutes].", told="Quote [Minutes] as it is.") is True


@pytest.mark.parametrize(
    ("text", "passed"),
    [
        ("**Title: Our New Office**\n\nWe moved.", False),
        ("标题：新办公室\n我们搬家了。", False),
        ("Our title is safe: we won.", True),
        ("Subject: Thursday\n\nDear all,", True),
    ],
)
def test_no_line_says_what_it_is(text: str, passed: bool) -> None:
    assert passes("no label", text) is passed


@pytest.mark.parametrize(
    ("text", "language", "passed"),
    [
        ("Here is your blog post:\n\nWe moved.", "en", False),
        ("Sure! Here's a shorter version.\nWe moved.", "en", False),
        ("We moved.\n\nThis blog post provides a friendly overview of our office.", "en", False),
        ("We moved.\n\nFeel free to adjust the tone.", "en", False),
        ("Here is where we meet on Sunday.\n\nThe post office is next door.", "en", True),
        ("I'm sorry, I cannot fulfill your request to call them Ruth.", "en", False),
        ("很抱歉，我无法帮你。", "zh", False),
        ("以下是一篇博客：\n我们搬家了。", "zh", False),
        ("我们搬家了。\n\n这篇博客介绍了我们的新办公室。", "zh", False),
        ("我们搬家了。\n\n欢迎来坐坐。", "zh", True),
    ],
)
def test_a_text_does_not_talk_about_itself(text: str, language: Language, passed: bool) -> None:
    assert passes("no talk about itself", text, "blog", language) is passed


@pytest.mark.parametrize(
    ("kind", "text", "passed"),
    [
        ("blog", "Our Office\n\n## Why It Matters to the Reader\n\nIt is near.", False),
        ("blog", "Our Office\n\n**What Comes Next:** we move in.", False),
        ("blog", "新办公室\n\n对读者的意义\n\n近。", False),
        ("blog", "Our Office\n\n## A roof for everybody\n\nIt is near.", True),
        ("story", "The Letter\n\nWhat stands in the way\n\nThe sea.", False),
        ("report", "## The summary\n\nGood.", None),
    ],
)
def test_the_recipe_does_not_come_back_as_headings(
    kind: str, text: str, passed: bool | None
) -> None:
    language: Language = "zh" if "新" in text else "en"
    assert passes("no recipe as headings", text, kind, language) is passed


@pytest.mark.parametrize(
    ("kind", "text", "told", "passed"),
    [
        ("blog", "Sales rose by 15 %.", "sales rose", False),
        ("blog", "Sales rose by 5 percent.", "sales rose", False),
        ("blog", "We have 140 jobs for you, and 3 rooms.", "a hundred and 140 jobs", True),
        ("blog", "Revenue is 84,000,000 euros.", "revenue 84 million", True),
        ("blog", "We are 12.", "we are twelve", True),
        ("blog", "Since 2018 we bake.", "we bake", False),
        ("blog", "1. Bread\n12. Rolls\nOpen 24/7.", "bread", True),
        ("blog", "增长了百分之十五。", "增长", False),
        ("blog", "营收8400万元，12个人。", "营收84000000元，十二人", True),
        ("story", "He was 87.", "an old man", None),
    ],
)
def test_figures_that_nobody_gave_are_found(
    kind: str, text: str, told: str, passed: bool | None
) -> None:
    assert passes("no invented figures", text, kind, told=told) is passed


@pytest.mark.parametrize(
    ("text", "value"), [("十二", 12), ("二百五十", 250), ("两千零三", 2003), ("三万五千", 35_000)]
)
def test_numbers_in_chinese_words_are_read(text: str, value: int) -> None:
    assert chinese_number(text) == value


@pytest.mark.parametrize(
    ("text", "finish_reason", "passed"),
    [
        ("We moved. Come and see!", "length", True),
        ("We moved. Come and", "length", False),
        ("We moved. Come and", "stop", True),  # As short as a signature.
        ("We moved to a house by the river, and there we found an old piano in the", "stop", False),
        ("Best,\nMaya", "stop", True),
        ("Come on Sunday! #plants #market", "stop", True),
        ("我们搬家了。", "stop", True),
        ("我们搬到了河边的一座老房子里，在那里发现了一架旧", "length", False),
        ("", "stop", False),
    ],
)
def test_no_text_ends_in_the_middle_of_a_sentence(
    text: str, finish_reason: str, passed: bool
) -> None:
    assert passes("whole", text, finish_reason=finish_reason) is passed


BEFORE = "We moved to Lisbon. It is warm there, and the tram stops in front of the door."


@pytest.mark.parametrize(
    ("wish", "text", "passed"),
    [
        ({"shorter": True}, "We moved to Lisbon.", True),
        ({"shorter": True}, f"{BEFORE} Yes.", False),
        ({"longer": True}, f"{BEFORE} It is a fine place.", True),
        ({"words": 10}, "one two three four five six seven eight nine", True),
        ({"bullets": 3}, "- one, two\n- three, four, five\n3. six, seven, eight", True),
        ({"bullets": 3}, "- one, two, three, four\n- five, six, seven, eight", False),
        ({"sentences": 2}, "One. Two! Three?", False),
        ({"begins": "It was quiet"}, "“It was quiet”, she said to us in Lisbon.", True),
        ({"ends": "?"}, "We moved to Lisbon. Trams stop here. Will you come?\n", True),
        ({"ends": "?"}, "Will you come?", False),
        ({"ends": "?"}, "Will you come? We hope so.", False),
        (
            {"present": ("blue",), "absent": ("red",)},
            "It is blue, and it is warm in Lisbon too.",
            True,
        ),
        (
            {"present": ("blue",), "absent": ("red",)},
            "It is blue, not red, in Lisbon at the door.",
            False,
        ),
        ({"lang": "en"}, "It is a house by the sea.", True),
        ({"absent": ("red",)}, BEFORE, False),
    ],
)
def test_a_refinement_does_what_was_asked_and_changes_something(
    wish: dict[str, Any], text: str, passed: bool
) -> None:
    asked = Wish(says="Do it.", **wish)
    assert passes("wish", text, wish=asked, before=BEFORE) is passed


def test_a_first_draft_has_no_wish_and_a_refinement_no_length_or_structure() -> None:
    first = check(subject("We moved.", options={"words": 10}))
    wish = Wish(says="Shorter.", shorter=True)
    second = check(subject("We moved.", options={"words": 10}, wish=wish, before=BEFORE))
    assert {"length", "structure"} <= first.keys()
    assert "wish" not in first
    assert {"length", "structure"} & second.keys() == set()
    assert second["wish"]

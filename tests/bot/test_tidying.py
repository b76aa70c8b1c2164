"""What models write around a draft, and what of a text is the draft."""

import time

import pytest

from bot.drafting.tidying import Opening, tidied

BODY = "We open in March.\n\nThe tram stops at the door."


@pytest.mark.parametrize("size", [1, 3, 1000])
@pytest.mark.parametrize(
    ("text", "kept"),
    [
        (f"Title: Our Office\n\n{BODY}", f"Our Office\n\n{BODY}"),
        (f"**Title: Our Office**\n\n{BODY}", f"**Our Office**\n\n{BODY}"),
        (f"**Title:** Our Office\n\n{BODY}", f"Our Office\n\n{BODY}"),
        (f"# Title: Our Office\n{BODY}", f"# Our Office\n{BODY}"),
        (f"Headline:\n\nOur Office\n\n{BODY}", f"Our Office\n\n{BODY}"),
        (f"标题：我们的新办公室\n\n{BODY}", f"我们的新办公室\n\n{BODY}"),
        (f"【标题】：信中之光\n\n{BODY}", f"信中之光\n\n{BODY}"),
        (f"【标题】信中之光\n\n{BODY}", f"信中之光\n\n{BODY}"),
        (f"【里斯本讯】电车\n\n{BODY}", f"【里斯本讯】电车\n\n{BODY}"),
        (f"Sure! Here is your blog post:\n\n{BODY}", BODY),
        (f"Here's a friendly e-mail for you:\n\n**Title: Hi**\n{BODY}", f"**Hi**\n{BODY}"),
        (f"以下是一篇博客：\n\n{BODY}", BODY),
        (f"好的，以下是修改后的邮件：\n{BODY}", BODY),
        # These are drafts, whatever they begin with.
        (f"Subject: Thursday\n\n{BODY}", f"Subject: Thursday\n\n{BODY}"),
        (f"Titles are hard.\n{BODY}", f"Titles are hard.\n{BODY}"),
        (f"Here is the news: we open.\n{BODY}", f"Here is the news: we open.\n{BODY}"),
        (f"Sure, trams are slow.\n{BODY}", f"Sure, trams are slow.\n{BODY}"),
        (f"当然，电车很慢。\n{BODY}", f"当然，电车很慢。\n{BODY}"),
        (f"Sure, I can write a post for you:\n\n{BODY}", BODY),
        (f"Sure signs of spring:\n- birds\n{BODY}", f"Sure signs of spring:\n- birds\n{BODY}"),
        (f"Of course, we open:\n- Monday\n{BODY}", f"Of course, we open:\n- Monday\n{BODY}"),
        (
            f"Of course, a story has:\n- an end\n{BODY}",
            f"Of course, a story has:\n- an end\n{BODY}",
        ),
        (f"以下是本周的三项进展：\n- 一\n{BODY}", f"以下是本周的三项进展：\n- 一\n{BODY}"),
        (f"以下是本周报告的要点：\n- 一\n{BODY}", f"以下是本周报告的要点：\n- 一\n{BODY}"),
        (f"以下是一篇关于电车的博客，供参考：\n\n{BODY}", BODY),
        ("Title", "Title"),
        ("", ""),
    ],
)
def test_labels_and_talk_before_a_draft_are_left_out_however_it_comes(
    text: str, kept: str, size: int
) -> None:
    opening = Opening()
    pieces = [opening.feed(text[i : i + size]) for i in range(0, len(text), size)]
    assert "".join([*pieces, opening.finish()]) == kept


def test_a_text_that_begins_like_none_of_these_is_let_go_at_once() -> None:
    assert Opening().feed("Our") == "Our"


@pytest.mark.parametrize(
    "talk",
    [
        "This blog post provides a friendly overview of our new office.",
        "*This press release is written in a formal tone.*",
        "(Word count: 150)",
        "---\n\nThis e-mail aims to be short.",
        "***\nThis blog post explores our new office.\n\n",
        "Note: this e-mail is short.\n\n(Word count: 150)\n \n",
        "Best,\n[Your Name]\n\nNote: this e-mail is short.",
        "这篇博客旨在介绍我们的新办公室。",
        "（字数：150）",
        "---\n\n以上是一个适合九岁孩子的分数教案，帮助他们理解分数。",
    ],
)
def test_a_last_paragraph_about_the_text_is_left_out(talk: str) -> None:
    assert tidied(f"{BODY}\n\n{talk}", cut_off=False, kind="blog") == BODY


@pytest.mark.parametrize(
    "end",
    [
        "This post office provides parcels.",
        "This report goes to the board on Monday.",
        "I hope this helps.",
        "I hope this report helps.\nBest regards,\nAna",
        "This release offers faster start-up. It is out today.",
        "This lesson covers halves.",
        "This email is intended only for the team.",
        "This post was written by Ana.",
        "This story covers two days.\nThe rest is for tomorrow.",
        "[Phone rings. Blackout.]",
        "Ana leaves.\n[Myra exits]",
        "The tram goes.\n[Title card: The End]",
        "Let me know if you would like to come.",
        "这篇文章的作者是陈大勇。",
    ],
)
def test_a_last_paragraph_about_the_matter_stays(end: str) -> None:
    assert tidied(f"{BODY}\n\n{end}", cut_off=False, kind="blog") == f"{BODY}\n\n{end}"


@pytest.mark.parametrize(
    ("end", "kept"),
    [
        ("See you.\n\nBest regards,\n[Your Name]", "See you."),
        ("See you.\n\nBest regards,\n\n**[Your Name]**\n[Your Position]\n", "See you."),
        ("再见。\n\n此致，\n[你的名字]", "再见。"),
        ("See you.\n[Your Name]", "See you."),
        ("See you.\n\nBest regards,\nAna", "See you.\n\nBest regards,\nAna"),
        ("See [the map]", "See [the map]"),
    ],
)
def test_a_place_for_a_name_at_the_end_is_left_to_whoever_sends_it(end: str, kept: str) -> None:
    assert tidied(f"{BODY}\n\n{end}", cut_off=False, kind="blog") == f"{BODY}\n\n{kept}"


def test_a_line_in_brackets_at_the_end_of_a_script_is_its_own() -> None:
    scene = "ANA: It is late.\n[My phone rings]"
    assert tidied(scene, cut_off=False, kind="script") == scene
    assert tidied(scene, cut_off=False, kind="blog") == "ANA: It is late."


def test_bold_type_stays_closed_above_talk() -> None:
    bold = f"{BODY}\n\n**Join us on Monday!**"
    assert (
        tidied(f"{bold}\n\n---\n\nThis blog post provides facts.", cut_off=False, kind="blog")
        == bold
    )


def test_what_ends_with_blank_lines_alone_is_as_long_as_it_was() -> None:
    assert tidied(f"{BODY}\n\n", cut_off=False, kind="blog") == f"{BODY}\n\n"


def test_a_text_that_is_all_about_itself_stays() -> None:
    text = "This story describes a tram."
    assert tidied(text, cut_off=False, kind="blog") == text


@pytest.mark.parametrize(
    "part",
    [
        "\n",
        " \n",
        "a,\n",
        "x ",
        "[your",
        "sure ",
        "here is ",
        "**",
        "1. ",
        "[name]\n",
        "word count\n\n",
    ],
)
def test_the_time_grows_with_the_text(part: str) -> None:
    began = time.perf_counter()
    tidied(part * 5_000, cut_off=True, kind="blog")
    # A pattern that tries all ways takes minutes for it.
    assert time.perf_counter() - began < 10.0


def test_a_text_that_was_cut_off_loses_its_half_sentence() -> None:
    assert tidied(f"Title: Hi\n\n{BODY} And the", cut_off=True, kind="blog") == f"Hi\n\n{BODY}"

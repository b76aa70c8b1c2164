"""Where a text that was cut off ends."""

import pytest

from bot.drafting.whole_sentences import whole_length


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("We open on Monday. The kitchen has", "We open on Monday."),
        ("We open on Monday. The kitchen has it.", "We open on Monday. The kitchen has it."),
        ('He said "Come in!" and then', 'He said "Come in!"'),
        ("It is **done.** Now we", "It is **done.**"),
        ("We met. We thank Dr. Sousa and J. Reis for", "We met."),
        ("It opened. It costs 3.", "It opened."),
        ("It rains, e.g. in Porto. We see", "It rains, e.g. in Porto."),
        ("我们星期一开业。厨房的风景", "我们星期一开业。"),
        ("他说：“欢迎！”然后我们", "他说：“欢迎！”"),
        ("We bring:\n\n- a tram\n- a pram\n- a cl", "We bring:\n\n- a tram\n- a pram"),
        ("We bring three things.\n\n1. A tram.\n2. A pr", "We bring three things.\n\n1. A tram."),
        ("We bring three things.\n\n2.", "We bring three things."),
        ("It is done.\n\n## What comes next\n\nWe will", "It is done."),
        ("It is done.\n\n**What comes next**\nWe will", "It is done."),
        ("It is done.\n\nWhat comes next\n\nWe will", "It is done."),
        ("Rain on the roof\nrain on the sea\nrain on", "Rain on the roof\nrain on the sea"),
        ("| a | b |\n| 1 | 2 |\n| 3", "| a | b |\n| 1 | 2 |"),
        ("no end at all", "no end at all"),
        ("", ""),
    ],
)
def test_a_text_that_was_cut_off_ends_with_its_last_whole_sentence_or_line(
    text: str, whole: str
) -> None:
    assert text[: whole_length(text)] == whole

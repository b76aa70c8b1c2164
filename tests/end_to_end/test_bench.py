"""`python -m bot.bench`, run as a person runs it; its times are whatever the machine gives."""

import asyncio
import math
import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.bench.crowd import DraftOutcome
from bot.bench.report import LoadReport, share

ROOT = Path(__file__).resolve().parents[2]
WELL = DraftOutcome(ack=0.1, sign=0.2, text=1.0, complete=2.0, settled=3.0, right=True)


async def bench(*words: str, module: str = "bot.bench") -> tuple[int | None, str, str]:
    """Return the exit code, stdout and stderr."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, *words,
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await asyncio.wait_for(process.communicate(), 120)
    return process.returncode, out.decode(), err.decode()


async def test_no_draft_is_lost_and_none_is_wrong_where_two_people_share_a_channel() -> None:
    _, out, err = await bench("--drafts", "5", "--channels", "4")
    assert "drafts 5, lost 0, wrong or doubled 0" in out, err
    assert re.search(r"^chat\.postMessage +\d+ +0$", out, re.MULTILINE)
    assert re.search(r"^complete +\d+\.\d+ +\d+\.\d+ +\d+\.\d+$", out, re.MULTILINE)


async def test_more_channels_than_drafts_are_refused_with_a_sentence() -> None:
    code, out, err = await bench("--drafts", "1", "--channels", "2")
    assert (code, out) == (2, "")
    assert "no more channels than drafts" in err


@pytest.mark.long
async def test_an_hour_ends_with_every_draft_whole_and_every_head_right() -> None:
    short = ("--people", "4", "--channels", "2", "--minutes", "0.1", "--chatter", "5")
    _, out, err = await bench(*short, module="bot.bench.hour")
    assert re.search(r"^drafts \d+, lost 0, wrong 0, refused 0; calls \d+, 429 0$", out, re.M), err
    assert re.search(r"^heads that say the truth: \d+ s after", out, re.M)
    assert re.search(r"^bot 1: memory \d+ MB", out, re.M)


async def test_several_bots_without_a_database_to_share_are_refused() -> None:
    code, out, err = await bench("--bots", "3", module="bot.bench.hour")
    assert (code, out) == (2, "")
    assert "--database" in err


def test_what_never_came_is_the_slowest() -> None:
    assert share([2.0, None, 1.0], 0.5) == 2.0
    assert share([2.0, None, 1.0], 1) == math.inf


@pytest.mark.parametrize(
    ("changed", "missed"),
    [
        ({"ack": None}, ["1 drafts lost", "acks over 0.5 s at p99"]),
        ({"ack": 0.6, "sign": 0.7}, ["acks over 0.5 s at p99"]),
        ({"right": False}, ["1 drafts wrong or doubled"]),
        ({"complete": None, "settled": None, "right": False}, ["1 drafts lost"]),
        ({"sign": 9.0, "text": 9.1, "complete": 9.2, "settled": 9.3}, []),
    ],
)
def test_one_bad_outcome_among_three_is_named_where_a_goal_is_missed(
    changed: dict[str, Any], missed: list[str]
) -> None:
    bad = replace(WELL, **changed)
    assert LoadReport([WELL, bad, WELL], [], processor_seconds=1.0).missed() == missed

"""A stream that breaks at any of its calls: the draft is whole, there once, and has its buttons."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from bot.messages import Phrase
from bot.slack.client.api_client import web_client
from bot.slack.client.rate_limit import TIERS
from bot.slack.manifest import SCOPES
from bot.slack.outbox import Outbox
from bot.slack.render.blocks import draft_markdown
from bot.slack.render.parts import split
from bot.workspace import Workspace
from safety import SafeText, joined, part
from tests.bot.test_markup import texts
from tests.bot.test_outbox_drafts import AGAIN, FACTS, FIRST, LONG, SECOND, Fault, Stage, closing_of
from tests.bot.test_outbox_drafts import words as words_of
from tests.clocks import HurriedClock

LIST = SafeText("What to bring:\n\n- bread & salt\n- [a map](with names)\n- a <b>coat</b>\n")
CODE = SafeText(
    "Run this:\n\n```py\n" + "print('rain')  # on the roof\n" * 200 + "```\n\nThen rest."
)
CHINESE = SafeText("里斯本下了一整夜的雨。早上，阳光照在屋顶上。" * 3 + "\n\n电车又开了。")
THIRDS = (1 / 3, 2 / 3)

FAULTS: dict[str, Fault] = {
    "server error": {"status": 500},
    "reset": {"drop": "before"},
    "lost answer": {"drop": "after"},
    "limited": {"retry_after": 1},
}


@asynccontextmanager
async def hurried_stage() -> AsyncIterator[Stage]:
    """Yield a stage on which a second passes in two milliseconds, and no budget is ever short."""
    async with Workspace(limits=None, scopes=SCOPES) as workspace:
        url = f"{workspace.url}/api/"
        async with web_client(SecretStr(workspace.bot_token), url) as client:
            budgets = dict.fromkeys(TIERS, 100_000)
            yield Stage(workspace, Outbox(client, budgets=budgets, clock=HurriedClock(pace=500)))


async def write(stage: Stage, text: SafeText, cuts: Sequence[float], ends_after: int = -1) -> None:
    """Write a draft below a root of its own; Slack may end its stream after one of the pieces."""
    await stage.begin()
    draft = stage.draft()
    await draft.open()
    places = [0, *sorted(round(cut * len(text)) for cut in cuts), len(text)]
    for n, (start, end) in enumerate(pairwise(places)):
        draft.show(part(text, start, end))
        # For a call, if there is one: a message whose stream broke grows by whole paragraphs.
        await asyncio.sleep(0.005)
        if n == ends_after:
            for message in stage.replies:
                message.streaming = False
    await draft.finish(FACTS, buttons=AGAIN)


def check(stage: Stage, text: SafeText) -> None:
    """Check that the thread shows the whole text, once, closed, with its buttons at the end."""
    bodies, shown = split(text), stage.replies
    heads = [Phrase("*Draft 1*" + (f", part {n}" if n > 1 else "")) for n in range(1, 99)]
    wanted = [draft_markdown(head, body) for head, body in zip(heads, bodies, strict=False)]
    assert [words_of(message).rstrip() for message in shown] == [each.rstrip() for each in wanted]
    assert not any(message.streaming for message in shown)
    closed = ["context", "actions"]
    assert [closing_of(m) for m in shown] == [[] for _ in shown[1:]] + [closed]


@pytest.mark.parametrize("fault", FAULTS)
@settings(max_examples=3, deadline=None)
@given(text=texts, cuts=st.lists(st.floats(0, 1), max_size=3))
@example(text=part(FIRST, 0, -2), cuts=THIRDS)
@example(text=joined(FIRST, SECOND), cuts=THIRDS)
@example(text=LIST, cuts=THIRDS)
@example(text=CODE, cuts=THIRDS)
@example(text=CHINESE, cuts=THIRDS)
@example(text=LONG, cuts=THIRDS)
async def test_whatever_call_fails_the_draft_is_whole_and_there_once(
    fault: str, text: SafeText, cuts: Sequence[float]
) -> None:
    async with hurried_stage() as stage:
        reached, call = True, 0
        while reached:
            # The first call posts the root.
            stage.workspace.fail("*", **FAULTS[fault], after=call + 1)
            await write(stage, text, cuts)
            reached = stage.workspace.heal()
            check(stage, text)
            call += 1
        assert call > 2


@settings(max_examples=5, deadline=None)
@given(text=texts, cuts=st.lists(st.floats(0, 1), max_size=3))
@example(text=part(FIRST, 0, -2), cuts=THIRDS)
@example(text=CODE, cuts=THIRDS)
@example(text=LONG, cuts=THIRDS)
async def test_whenever_slack_ends_the_stream_the_draft_is_whole_and_there_once(
    text: SafeText, cuts: Sequence[float]
) -> None:
    async with hurried_stage() as stage:
        for piece in range(len(cuts) + 1):
            await write(stage, text, cuts, ends_after=piece)
            check(stage, text)

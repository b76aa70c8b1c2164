"""A sample of the drill, which `make drill` does whole; and that the drill sees what is wrong."""

import asyncio

import pytest

from bot.store import VersionStatus
from bot.workspace import PostedMessage
from bot.workspace.objects import AgentSession
from tests.drill.__main__ import drill
from tests.drill.cell import Cell, Outcome, Result, cells
from tests.drill.faults import FAULTS, PLAIN
from tests.drill.sample import sample
from tests.drill.scene import Scene, opened
from tests.drill.stages import STAGES, Ending, Stage, ask_and_get, drafts, nothing
from tests.drill.verdict import wrongs

JOBS = 10


async def test_every_fault_is_got_over_at_one_stage() -> None:
    table = await drill(sample(), JOBS)
    assert len(table) == len(FAULTS)
    failed = [
        f"{stage}:{fault}\n{outcome.report}"
        for fault, row in table.items()
        for stage, outcome in row.items()
        if outcome.result is Result.WRONG
    ]
    assert not failed, "\n\n".join(failed)
    idle = [fault.name for fault in FAULTS if fault.lasting and is_idle(table[fault.name])]
    assert not idle, "at these stages they find nothing to break"
    skipped = {
        o.report for row in table.values() for o in row.values() if o.result is Result.SKIPPED
    }
    if skipped:
        pytest.skip(f"the rest was got over: {', '.join(sorted(skipped))}")


def is_idle(row: dict[str, Outcome]) -> bool:
    return any(outcome.result is Result.IDLE for outcome in row.values())


def test_the_sample_has_each_fault_once_and_every_stage() -> None:
    chosen = sample()
    assert [cell.fault.name for cell in chosen] == [fault.name for fault in FAULTS]
    assert {cell.stage.name for cell in chosen} == {stage.name for stage in STAGES}


def test_no_two_cells_have_the_same_name() -> None:
    names = [cell.name for cell in cells()]
    assert len(set(names)) == len(names)


async def test_the_drill_sees_what_is_wrong() -> None:
    stage = Stage("done", nothing, ask_and_get, nothing)
    async with opened(PLAIN) as scene:
        await scene.enter(stage.text)
        await stage.begin(scene)
        # The end of the job is committed after all that people see.
        async with asyncio.timeout(20):
            while True:
                if not await wrongs(scene, stage):
                    break
                await asyncio.sleep(0.1)
        (draft,) = drafts(scene)
        assert await wrongs_after(scene, stage, draft, text=draft.text[:-9])
        assert await wrongs_after(scene, stage, draft, streaming=True)
        assert await wrongs_after(scene, stage, draft, deleted=True)
        assert await wrongs_after(scene, stage, draft, blocks=[])
        assert await wrongs_after(scene, stage, draft, reactions={})
        assert await wrongs_after(scene, stage, scene.ana.root, deleted=True)
        assert await wrongs_after(scene, stage, scene.ana.root, blocks=draft.blocks)
        stopped = Stage("stopped", nothing, nothing, nothing, Ending((VersionStatus.STOPPED,)))
        assert await wrongs(scene, stopped) == ["versions are finished"]
        assert await wrongs(scene, stage) == []
        await once_more(scene, stage, draft)
        await at_work(scene, stage, draft)


async def wrongs_after(
    scene: Scene, stage: Stage, message: PostedMessage, **changed: object
) -> list[str]:
    """Return what the drill sees once a message is changed, and change it back."""
    before = {name: getattr(message, name) for name in changed}
    for name, value in changed.items():
        setattr(message, name, value)
    seen = await wrongs(scene, stage)
    for name, value in before.items():
        setattr(message, name, value)
    return seen


async def once_more(scene: Scene, stage: Stage, draft: PostedMessage) -> None:
    state = scene.workspace.state
    again = state.new_bot_message(draft.channel, draft.text, draft.blocks, draft.thread_ts)
    state.add_message(again)
    assert await wrongs(scene, stage) == ["1 messages below the head that belong to no draft"]
    again.deleted = True


async def at_work(scene: Scene, stage: Stage, draft: PostedMessage) -> None:
    place = (draft.channel, draft.thread_ts or "")
    scene.workspace.state.sessions[place] = AgentSession("processing")
    assert await wrongs(scene, stage) == ["a session is at work"]


def test_a_cell_is_named_by_its_stage_and_its_fault() -> None:
    assert Cell(STAGES[0], FAULTS[0]).name == "committed:bot: kill -9, started again"

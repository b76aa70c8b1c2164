"""One cell of the table: a stage, a fault, and the seconds until all is right again."""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from enum import StrEnum

from tests.drill.faults import FAULTS, Fault
from tests.drill.scene import CannotDrill, Scene, opened
from tests.drill.stages import STAGES, Stage
from tests.drill.verdict import wrongs

PATIENCE = 90.0
# What a bot does too much it does soon after.
QUIET_SECONDS = 1.5


class Result(StrEnum):
    """How a cell ended. IDLE: the fault found nothing to break. SKIPPED: it cannot be made here."""

    RIGHT = "right"
    WRONG = "wrong"
    IDLE = "idle"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Outcome:
    """`seconds` from the end of the fault until all was right; `report` says what was not."""

    result: Result
    seconds: float = 0.0
    report: str = ""


@dataclass(frozen=True, slots=True)
class Cell:
    """A stage and a fault."""

    stage: Stage
    fault: Fault

    @property
    def name(self) -> str:
        return f"{self.stage.name}:{self.fault.name}"

    async def run(self, scene: Scene) -> Outcome:
        """Drill it."""
        await scene.enter(self.stage.text)
        scene.engine.pause = self.stage.pause
        await self.fault.prepare(scene)
        await self.stage.begin(scene)
        if scene.setting.crossed:
            scene.route(scene.bots[1])
        await self.stage.reach(scene)
        # A model of its own pace may have written all of it.
        idle = scene.setting.own_worker and not (await scene.read()).open_jobs
        await self.fault.strike(scene)
        over = time.monotonic()
        await self.stage.go_on(scene)
        left = await self._until_right(scene, over + PATIENCE)
        seconds = time.monotonic() - over
        await asyncio.sleep(QUIET_SECONDS)
        if left := left or await wrongs(scene, self.stage):
            return Outcome(Result.WRONG, seconds, report(scene, left))
        idle = idle or (self.fault.lasting and not scene.workspace.heal())
        return Outcome(Result.IDLE if idle else Result.RIGHT, seconds)

    async def _until_right(self, scene: Scene, deadline: float) -> list[str]:
        while left := await wrongs(scene, self.stage):
            if time.monotonic() > deadline:
                break
            await asyncio.sleep(0.1)
        return left


async def run_all(cells: Iterable[Cell]) -> AsyncIterator[tuple[Cell, Outcome]]:
    """Drill cells of one setting, one after the other; a failure leaves a new scene to the rest."""
    waiting = deque(cells)
    while waiting:
        try:
            async with opened(waiting[0].fault.setting) as scene:
                while waiting:
                    cell = waiting.popleft()
                    outcome = await _outcome(cell, scene)
                    yield cell, outcome
                    if outcome.result is Result.WRONG:
                        break
        except CannotDrill as reason:
            while waiting:
                yield waiting.popleft(), Outcome(Result.SKIPPED, report=str(reason))
        except Exception as error:
            if waiting:
                yield waiting.popleft(), Outcome(Result.WRONG, report=f"not begun: {error!r}")


async def _outcome(cell: Cell, scene: Scene) -> Outcome:
    try:
        return await cell.run(scene)
    except Exception as error:
        return Outcome(Result.WRONG, report=report(scene, [f"{type(error).__name__}: {error}"]))


def report(scene: Scene, left: list[str]) -> str:
    """Say what is wrong, with what helps to find out why."""
    logs = [f"--- {bot.log.name}\n{bot.output[-4000:]}" for bot in scene.bots]
    return "\n".join([*left, scene.workspace.state.outline(), *logs])


def cells() -> list[Cell]:
    """Return the whole table, fault by fault."""
    return [
        Cell(stage, fault)
        for fault in FAULTS
        for stage in STAGES
        if not (stage.scripted and fault.setting.own_worker)
    ]

"""Steps one after another; where nothing depends on a step's tokens, the next begins before them.

The device then never waits for the host, which reads tokens, commits them and talks to the
supervisor while the next step is computed.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import torch

from inference.engine.decode_step import DrawnTokens
from inference.engine.messages import SampleOutput
from inference.engine.model_runner import ModelRunner
from inference.engine.sampler import sample_step
from inference.engine.scheduler import Scheduler
from inference.engine.step_plan import StepPlan


@dataclass(slots=True)
class StepPipeline:
    """The steps of rank 0: at most two have begun and are not complete.

    send: gives each plan to the other ranks before this one executes it.
    """

    scheduler: Scheduler
    runner: ModelRunner
    send: Callable[[StepPlan], None]
    begun: deque[DrawnTokens | torch.Tensor] = field(default_factory=deque)

    def step(self, threads: int = 1) -> tuple[int, list[SampleOutput]]:
        """Complete a step; return how many rows it had, and what it brought. No rows: there is
        nothing to do.
        """
        if not self.begun:
            self._begin(replace(self.scheduler.schedule(), threads=threads))
        if (ahead := self.scheduler.schedule_ahead()) is not None:
            self._begin(replace(ahead, threads=threads))
        if not self.begun:
            return 0, []
        rows = sum(len(chunk.tokens) for _, chunk in self.scheduler.planned)
        brought = self.begun.popleft()
        if isinstance(brought, DrawnTokens):
            return rows, take_drawn(self.scheduler, brought.read())
        return rows, sample_step(self.scheduler, brought)

    def _begin(self, plan: StepPlan) -> None:
        # An empty plan is sent too: the other ranks hear from this one at least once a second.
        self.send(plan)
        if not plan.chunks:
            return
        if plan.decode:
            assert self.runner.decode_step is not None
            planned = self.scheduler.steps[-1]
            self.begun.append(self.runner.decode_step.launch(plan, planned))
        else:
            self.begun.append(self.runner.execute(plan))


def take_drawn(scheduler: Scheduler, tokens: list[int]) -> list[SampleOutput]:
    """Complete a decode step; return what each sample gets. tokens: one for each row."""
    rows = iter(tokens)
    drawn = [[next(rows) for _ in chunk.tokens] for _, chunk in scheduler.planned]
    is_first = [sequence.emitted == 0 for sequence, _ in scheduler.planned]
    return [
        SampleOutput(
            new.sequence.id, new.tokens, new.finish, new.sequence.cached if first else None
        )
        for new, first in zip(scheduler.commit(drawn), is_first, strict=True)
        if new.tokens or new.finish
    ]

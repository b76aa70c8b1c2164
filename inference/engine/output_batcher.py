"""Outputs of several steps in one message to the supervisor."""

import time
from dataclasses import dataclass, field

from inference.engine.messages import MessageSocket, Outputs, SampleOutput
from inference.engine.scheduler import SchedulerStats

WAIT_SECONDS = 0.02


@dataclass(slots=True)
class OutputBatcher:
    """Sends the beginning and the end of a sample at once, the rest some times a second.

    For each message the supervisor and its clients need a core, which they take from a rank in the
    middle of a step.
    """

    socket: MessageSocket
    waiting: dict[str, SampleOutput] = field(default_factory=dict)
    sent_at: float = 0.0

    def add(self, outputs: list[SampleOutput], stats: SchedulerStats) -> None:
        """Take the outputs of a step, and send all that wait if it is time.

        A step without outputs is sent too: the supervisor ends ranks that are silent.
        """
        for output in outputs:
            before = self.waiting.get(output.id)
            self.waiting[output.id] = before.then(output) if before else output
        urgent = not outputs or any(o.finish or o.cached is not None for o in outputs)
        if urgent or time.monotonic() - self.sent_at > WAIT_SECONDS:
            self.socket.send(Outputs(list(self.waiting.values()), stats))
            self.waiting, self.sent_at = {}, time.monotonic()

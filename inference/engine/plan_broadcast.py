"""The broadcast of step plans from rank 0 to the others.

JSON in a uint8 tensor over gloo, which every torch has, with the timeout of the group: a rank
notices when its leader has died, and we need no port or socket of our own.
"""

from datetime import timedelta

import torch
import torch.distributed as dist

from inference.engine.step_plan import StepPlan


class PlanBroadcast:
    """A group of all ranks. Rank 0 sends at least once a second, the others receive."""

    def __init__(self, rank: int, tp: int, timeout: timedelta) -> None:
        self.rank, self.tp = rank, tp
        self.group = dist.new_group(backend="gloo", timeout=timeout) if tp > 1 else None

    def send(self, plan: StepPlan) -> None:
        """Send the plan to all other ranks.

        Raises RuntimeError if a rank is gone, or takes no plans for longer than the timeout.
        """
        assert self.rank == 0
        if self.tp == 1:
            return
        body = torch.frombuffer(bytearray(plan.to_bytes()), dtype=torch.uint8)
        dist.broadcast(torch.tensor([len(body)]), src=0, group=self.group)
        dist.broadcast(body, src=0, group=self.group)

    def receive(self) -> StepPlan:
        """Return the next plan.

        Raises RuntimeError if rank 0 is gone, or silent for longer than the timeout.
        """
        assert self.rank > 0
        length = torch.zeros(1, dtype=torch.int64)
        dist.broadcast(length, src=0, group=self.group)
        body = torch.empty(int(length), dtype=torch.uint8)
        dist.broadcast(body, src=0, group=self.group)
        return StepPlan.from_bytes(body.numpy().tobytes())

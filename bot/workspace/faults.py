"""Faults that a test asks for, and how often."""

from dataclasses import dataclass
from typing import Literal

Drop = Literal["before", "after"]


@dataclass(slots=True)
class Fault:
    """One way for calls of a method to fail. `drop` closes the connection without an answer."""

    error: str | None = None
    status: int | None = None
    retry_after: float | None = None
    drop: Drop | None = None
    times: int = 1

    def __post_init__(self) -> None:
        ways = [self.error, self.status, self.retry_after, self.drop]
        assert any(way is not None for way in ways), "say how the call is to fail"
        assert self.times > 0


class Faults:
    """Faults in the order they were asked for; a method named "*" stands for all."""

    def __init__(self) -> None:
        self._waiting: list[tuple[str, Fault]] = []

    def add(self, method: str, fault: Fault) -> None:
        self._waiting.append((method, fault))

    def take(self, method: str) -> Fault | None:
        """Return the next fault of this method, and count it as used once."""
        for entry in self._waiting:
            name, fault = entry
            if name in (method, "*"):
                fault.times -= 1
                if fault.times == 0:
                    self._waiting.remove(entry)
                return fault
        return None

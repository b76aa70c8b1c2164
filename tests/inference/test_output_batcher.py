"""What a rank tells the supervisor, and when."""

import socket
from collections.abc import Iterator

import pytest

from inference.engine.messages import MessageSocket, Outputs, SampleOutput, SchedulerStats
from inference.engine.worker import OutputBatcher

FIRST = SampleOutput("a", [1], cached=0)


class Told:
    """A teller, and what has arrived from it."""

    def __init__(self, mine: socket.socket, theirs: socket.socket) -> None:
        self.teller, self.theirs = (
            OutputBatcher(MessageSocket(mine.detach())),
            MessageSocket(theirs.detach()),
        )

    def after(self, *items: SampleOutput) -> list[SampleOutput] | None:
        self.teller.tell(list(items), SchedulerStats())
        message = self.theirs.receive(0.0)
        assert message is None or isinstance(message, Outputs)
        return message.items if message else None


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Iterator[Told]:
    # As if all steps of a test were done within the time.
    monkeypatch.setattr("inference.engine.worker.TELL_SECONDS", 3600.0)
    mine, theirs = socket.socketpair()
    told = Told(mine, theirs)
    yield told
    for channel in told.teller.channel, told.theirs:
        channel.socket.close()


def test_the_first_tokens_are_told_at_once_and_the_next_wait_for_the_end(told: Told):
    assert told.after(FIRST) == [FIRST]
    assert told.after(SampleOutput("a", [2], logprobs=[[(2, -1.0)]])) is None
    assert told.after(SampleOutput("a", [3, 4], logprobs=[[(3, -1.0)], [(4, -2.0)]])) is None
    [all_later] = told.after(SampleOutput("a", [5], "stop", logprobs=[[(5, -3.0)]])) or []
    assert (all_later.tokens, all_later.finish, all_later.cached) == ([2, 3, 4, 5], "stop", None)
    assert all_later.logprobs == [[[2, -1.0]], [[3, -1.0]], [[4, -2.0]], [[5, -3.0]]]


def test_what_waits_is_told_with_what_cannot_wait(told: Told):
    told.after(FIRST)
    assert told.after(SampleOutput("a", [2])) is None
    other = SampleOutput("b", [7], cached=3)
    assert told.after(other) == [SampleOutput("a", [2]), other]
    assert told.after(SampleOutput("a", [3])) is None


def test_what_waits_is_told_after_some_time(told: Told, monkeypatch: pytest.MonkeyPatch):
    told.after(FIRST)
    assert told.after(SampleOutput("a", [2])) is None
    monkeypatch.setattr("inference.engine.worker.TELL_SECONDS", 0.0)
    assert told.after(SampleOutput("a", [3])) == [SampleOutput("a", [2, 3])]


def test_a_step_that_brings_nothing_is_a_sign_of_life(told: Told):
    assert told.after() == []

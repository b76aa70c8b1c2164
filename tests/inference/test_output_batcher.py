"""What a rank sends to the supervisor, and when."""

import socket
from collections.abc import Iterator

import pytest

from inference.engine.messages import MessageSocket, OutputBatcher, Outputs, SampleOutput
from inference.engine.scheduler import SchedulerStats

FIRST = SampleOutput("a", [1], cached=0)


class Batched:
    """A batcher, and what arrives from it."""

    def __init__(self, mine: socket.socket, theirs: socket.socket) -> None:
        self.batcher = OutputBatcher(MessageSocket(mine.detach()))
        self.theirs = MessageSocket(theirs.detach())

    def after(self, *outputs: SampleOutput) -> list[SampleOutput] | None:
        self.batcher.add(list(outputs), SchedulerStats())
        message = self.theirs.receive(0.0)
        assert message is None or isinstance(message, Outputs)
        return message.items if message else None


@pytest.fixture
def batched(monkeypatch: pytest.MonkeyPatch) -> Iterator[Batched]:
    # As if all steps of a test were done within the time.
    monkeypatch.setattr("inference.engine.messages.WAIT_SECONDS", 3600.0)
    batched = Batched(*socket.socketpair())
    yield batched
    for end in batched.batcher.socket, batched.theirs:
        end.socket.close()


def test_the_first_tokens_are_sent_at_once_and_the_next_wait_for_the_end(batched: Batched) -> None:
    assert batched.after(FIRST) == [FIRST]
    assert batched.after(SampleOutput("a", [2], logprobs=[[(2, -1.0)]])) is None
    assert batched.after(SampleOutput("a", [3, 4], logprobs=[[(3, -1.0)], [(4, -2.0)]])) is None
    [later] = batched.after(SampleOutput("a", [5], "stop", logprobs=[[(5, -3.0)]])) or []
    assert (later.tokens, later.finish, later.cached) == ([2, 3, 4, 5], "stop", None)
    logprobs: list[object] = [[[2, -1.0]], [[3, -1.0]], [[4, -2.0]], [[5, -3.0]]]
    assert later.logprobs == logprobs


def test_what_waits_is_sent_with_what_cannot_wait(batched: Batched) -> None:
    batched.after(FIRST)
    assert batched.after(SampleOutput("a", [2])) is None
    other = SampleOutput("b", [7], cached=3)
    assert batched.after(other) == [SampleOutput("a", [2]), other]
    assert batched.after(SampleOutput("a", [3])) is None


def test_what_waits_is_sent_after_some_time(
    batched: Batched, monkeypatch: pytest.MonkeyPatch
) -> None:
    batched.after(FIRST)
    assert batched.after(SampleOutput("a", [2])) is None
    monkeypatch.setattr("inference.engine.messages.WAIT_SECONDS", 0.0)
    assert batched.after(SampleOutput("a", [3])) == [SampleOutput("a", [2, 3])]


def test_a_step_that_brings_nothing_is_a_sign_of_life(batched: Batched) -> None:
    assert batched.after() == []

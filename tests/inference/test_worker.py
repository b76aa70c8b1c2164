"""What a rank tells the supervisor, and when."""

import socket
from collections.abc import Iterator

import pytest

from inference.engine.messages import Channel, Emitted, Load, Tokens
from inference.engine.worker import Teller

FIRST = Emitted("a", [1], cached=0)


class Told:
    """A teller, and what has arrived from it."""

    def __init__(self, mine: socket.socket, theirs: socket.socket) -> None:
        self.teller, self.theirs = Teller(Channel(mine.detach())), Channel(theirs.detach())

    def after(self, *items: Emitted) -> list[Emitted] | None:
        self.teller.tell(list(items), Load())
        message = self.theirs.receive(0.0)
        assert message is None or isinstance(message, Tokens)
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
    assert told.after(Emitted("a", [2], logprobs=[[(2, -1.0)]])) is None
    assert told.after(Emitted("a", [3, 4], logprobs=[[(3, -1.0)], [(4, -2.0)]])) is None
    [all_later] = told.after(Emitted("a", [5], "stop", logprobs=[[(5, -3.0)]])) or []
    assert (all_later.tokens, all_later.finish, all_later.cached) == ([2, 3, 4, 5], "stop", None)
    assert all_later.logprobs == [[[2, -1.0]], [[3, -1.0]], [[4, -2.0]], [[5, -3.0]]]


def test_what_waits_is_told_with_what_cannot_wait(told: Told):
    told.after(FIRST)
    assert told.after(Emitted("a", [2])) is None
    other = Emitted("b", [7], cached=3)
    assert told.after(other) == [Emitted("a", [2]), other]
    assert told.after(Emitted("a", [3])) is None


def test_what_waits_is_told_after_some_time(told: Told, monkeypatch: pytest.MonkeyPatch):
    told.after(FIRST)
    assert told.after(Emitted("a", [2])) is None
    monkeypatch.setattr("inference.engine.worker.TELL_SECONDS", 0.0)
    assert told.after(Emitted("a", [3])) == [Emitted("a", [2, 3])]


def test_a_step_that_brings_nothing_is_a_sign_of_life(told: Told):
    assert told.after() == []

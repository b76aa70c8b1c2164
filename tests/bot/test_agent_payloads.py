"""What Slack tells an agent, in the forms in which its page and its own types have it."""

from typing import Any

import pytest

from bot.listeners.agent_payloads import AgentSessionStopped, AppContextChanged, AppHomeOpened
from bot.listeners.look import Look

CHANNEL = {"type": "slack#/types/channel_id", "value": "C1", "team_id": "T1"}
CANVAS = {"type": "slack#/types/canvas_id", "value": "F1"}
MESSAGE = {
    "type": "slack#/types/message_context",
    "value": {"message_ts": "1.0", "channel_id": "C2"},
}


def body(event: dict[str, Any], *, is_bot: bool = False) -> dict[str, Any]:
    authorization = {"user_id": "U1", "is_bot": is_bot}
    return {"event": event, "event_time": 1_700_000_000, "authorizations": [authorization]}


def looked(event: dict[str, Any], **options: bool) -> Look | None:
    read = AppContextChanged.from_body(body({"context": {}} | event, **options))
    return read.look


def test_the_person_is_in_the_event_or_else_in_the_authorization() -> None:
    at = (looked({"user": "U2"}), looked({}), looked({}, is_bot=True))
    assert [look and look.user for look in at] == ["U2", "U1", None]


def test_nothing_is_looked_at_where_slack_tells_of_no_context() -> None:
    look = looked({"context": None})
    assert look is not None
    assert look.channel is None
    assert AppContextChanged.from_body({"event": {}, "authorizations": None}).look is None


def test_a_stop_in_an_organisation_names_our_workspace() -> None:
    event = {"user": "U1", "channel": "C1", "thread_ts": "1.0"}
    told = {
        "event": event,
        "event_id": "Ev1",
        "team_id": None,
        "authorizations": [{"team_id": "T1"}],
    }
    assert AgentSessionStopped.from_body(told).team == "T1"


@pytest.mark.parametrize(
    ("entities", "channel"),
    [
        ([CHANNEL], "C1"),
        ([CANVAS, CHANNEL], "C1"),
        ([MESSAGE, CHANNEL], "C2"),
        ([CANVAS], None),
        ([], None),
        ([{"type": "slack#/types/thread_ts", "value": "1.0"}], None),
        ([{"type": "slack#/types/message_context", "value": {}}], None),
    ],
)
def test_the_first_channel_of_the_entities_counts(
    entities: list[dict[str, Any]], channel: str | None
) -> None:
    look = looked({"context": {"entities": entities}})
    assert look is not None
    assert look.channel == channel


def test_an_opened_tab_tells_what_is_looked_at_only_where_slack_does() -> None:
    event = {"user": "U1", "channel": "D1", "tab": "messages"}
    assert AppHomeOpened.from_body(body(event)).look is None
    told = AppHomeOpened.from_body(body(event | {"context": {"entities": [CHANNEL]}})).look
    assert told is not None
    assert (told.user, told.channel) == ("U1", "C1")
    assert Look.beside_message(body({"text": "help", "user": "U1"})) is None
    beside = Look.beside_message(body({"user": "U1", "app_context": {}}))
    assert beside is not None
    assert beside.channel is None

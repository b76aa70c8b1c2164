"""What Slack is told about the app."""

import json
from copy import deepcopy
from typing import Any

import pytest

from bot.slack.manifest import EVENTS, manifest
from bot.workspace.features import features_of
from tests.bot.manifest_schema import faults

URL = "https://bot.example/slack/events"
OLD = {"assistant_thread_started", "assistant_thread_context_changed"}


def test_over_socket_mode_slack_is_given_no_address() -> None:
    made = manifest("Draftsmith", "/draft")
    assert made["settings"]["socket_mode_enabled"]
    assert "url" not in json.dumps(made)


def test_over_http_slack_calls_one_address_for_everything() -> None:
    made = manifest("Draftsmith", "/draft", request_url=URL)
    assert not made["settings"]["socket_mode_enabled"]
    assert json.dumps(made).count(URL) == 3


@pytest.mark.parametrize("url", [None, URL])
def test_the_manifest_is_one_that_slacks_schema_and_slack_take(url: str | None) -> None:
    made = manifest("Draftsmith", "/draft", request_url=url)
    assert faults(made) == []
    assert features_of(made).agent


@pytest.mark.parametrize(
    ("path", "value", "fault"),
    [
        ("features/agent_view/agent_description", "x" * 301, "has 301 characters"),
        ("features/agent_view/suggested_prompts/0/title", None, "is no text"),
        ("features/agent_view/assistant_description", "x", "is not in the schema"),
        ("features/assistant_view", {}, "is not in the schema"),
        ("features/slash_commands/0/command", "draft", "does not match"),
        ("settings/event_subscriptions/bot_events", ["x", "x"], "has an entry twice"),
        ("settings/interactivity", {}, "has no is_enabled"),
        ("settings/socket_mode_enabled", "yes", "is no flag"),
    ],
)
def test_what_the_schema_forbids_is_found(path: str, value: object, fault: str) -> None:
    made = deepcopy(manifest("Draftsmith", "/draft"))
    *folders, name = path.split("/")
    place: Any = made
    for folder in folders:
        place = place[int(folder) if folder.isdigit() else folder]
    place[name] = value
    (found,) = faults(made)
    assert found.startswith(f"/{path} {fault}")


def test_the_app_is_an_agent_and_asks_for_nothing_of_the_old_experience() -> None:
    made = manifest("Draftsmith", "/draft")
    view = made["features"]["agent_view"]
    assert 0 < len(view["agent_description"]) <= 300
    assert 0 < len(view["suggested_prompts"]) <= 4
    assert "assistant_view" not in made["features"]
    assert not OLD & set(EVENTS)
    assert {"app_home_opened", "app_context_changed", "agent_session_stopped"} <= set(EVENTS)
    assert made["features"]["app_home"]["messages_tab_enabled"]


def test_the_app_may_read_every_event_it_asks_for() -> None:
    needs = {"message.channels": "channels:history", "message.groups": "groups:history"}
    needs |= {"message.im": "im:history", "message.mpim": "mpim:history"}
    needs |= {"reaction_added": "reactions:read", "member_joined_channel": "channels:read"}
    needs |= {"app_mention": "app_mentions:read", "app_home_opened": "commands"}
    needs |= {"agent_session_stopped": "chat:write", "app_context_changed": "assistant:write"}
    made = manifest("Draftsmith", "/draft")
    scopes = made["oauth_config"]["scopes"]["bot"]
    assert {needs[e] for e in made["settings"]["event_subscriptions"]["bot_events"]} <= set(scopes)

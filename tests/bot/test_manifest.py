"""What Slack is told about the app."""

import json

from bot.slack.manifest import manifest


def test_over_socket_mode_slack_is_given_no_address() -> None:
    made = manifest("Draftsmith", "/draft")
    assert made["settings"]["socket_mode_enabled"]
    assert "url" not in json.dumps(made)


def test_over_http_slack_calls_one_address_for_everything() -> None:
    url = "https://bot.example/slack/events"
    made = manifest("Draftsmith", "/draft", request_url=url)
    assert not made["settings"]["socket_mode_enabled"]
    assert json.dumps(made).count(url) == 3


def test_the_app_may_read_every_event_it_asks_for() -> None:
    needs = {"message.channels": "channels:history", "message.groups": "groups:history"}
    needs |= {"message.im": "im:history", "message.mpim": "mpim:history"}
    needs |= {"reaction_added": "reactions:read", "member_joined_channel": "channels:read"}
    needs |= {"app_mention": "app_mentions:read", "app_home_opened": "commands"}
    needs |= {
        f"assistant_thread_{what}": "assistant:write" for what in ("started", "context_changed")
    }
    made = manifest("Draftsmith", "/draft")
    scopes = made["oauth_config"]["scopes"]["bot"]
    assert {needs[e] for e in made["settings"]["event_subscriptions"]["bot_events"]} <= set(scopes)

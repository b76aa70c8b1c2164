"""The app's manifest for Slack: scopes, events, the command.

https://docs.slack.dev/reference/app-manifest
"""

from typing import Any

DRAFT_SHORTCUT, MESSAGE_SHORTCUT = "draft_shortcut", "draft_from_message"

SCOPES = (
    "app_mentions:read",
    "assistant:write",
    "canvases:read",
    "canvases:write",
    "channels:history",
    "channels:join",
    "channels:read",
    "chat:write",
    "commands",
    "files:read",
    "files:write",
    "groups:history",
    "groups:read",
    "im:history",
    "im:read",
    "im:write",
    "mpim:history",
    "mpim:read",
    "reactions:read",
    "reactions:write",
    "users:read",
)
EVENTS = (
    "app_home_opened",
    "app_mention",
    "assistant_thread_context_changed",
    "assistant_thread_started",
    "member_joined_channel",
    "message.channels",
    "message.groups",
    "message.im",
    "message.mpim",
    "reaction_added",
)


def manifest(name: str, command: str, *, request_url: str | None = None) -> dict[str, Any]:
    """Build the manifest for Socket Mode, or for HTTP if Slack has a `request_url` to call."""
    assert command.startswith("/")
    slash = {
        "command": command,
        "description": "Draft a text",
        "usage_hint": "blog: our new office in Lisbon",
        "should_escape": False,
    }
    called = {"request_url": request_url} if request_url else {}
    return {
        "display_information": {
            "name": name,
            "description": "Drafts text in threads, on your team's own GPUs",
        },
        "features": {
            "app_home": {
                "home_tab_enabled": True,
                "messages_tab_enabled": True,
                "messages_tab_read_only_enabled": False,
            },
            "assistant_view": {"assistant_description": "Drafts text, and changes it as you say"},
            "bot_user": {"display_name": name, "always_online": True},
            "shortcuts": [
                _shortcut("Draft a text", "global", DRAFT_SHORTCUT),
                _shortcut("Draft from this message", "message", MESSAGE_SHORTCUT),
            ],
            "slash_commands": [{**slash, "url": request_url} if request_url else slash],
        },
        "oauth_config": {"scopes": {"bot": list(SCOPES)}},
        "settings": {
            "event_subscriptions": {"bot_events": list(EVENTS), **called},
            "interactivity": {"is_enabled": True, **called},
            "org_deploy_enabled": False,
            "socket_mode_enabled": request_url is None,
            "token_rotation_enabled": False,
        },
    }


def _shortcut(name: str, kind: str, callback_id: str) -> dict[str, Any]:
    return {"name": name, "type": kind, "callback_id": callback_id, "description": name}

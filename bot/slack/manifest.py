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
# An app that was installed before 2026 has neither.
AGENT_EVENTS = ("agent_session_stopped", "app_context_changed")
EVENTS = (
    *AGENT_EVENTS,
    "app_home_opened",
    "app_mention",
    "member_joined_channel",
    "message.channels",
    "message.groups",
    "message.im",
    "message.mpim",
    "reaction_added",
)


DESCRIPTION = (
    "Drafts blog posts, news, reports, e-mail and more from a sentence, in a thread where you have "
    "them changed by replying. Runs on your team's own GPUs."
)
# What Slack offers to begin with until the app has offered more, in the person's own language.
PROMPTS = (
    ("Draft a blog post", "blog: our new office in Lisbon"),
    ("Draft a news release", "news: we open a second factory in Porto"),
    ("Draft an e-mail", "email: invite the team to the summer party"),
    ("How to ask", "help"),
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
            "agent_view": {
                "agent_description": DESCRIPTION,
                "suggested_prompts": [{"title": t, "message": m} for t, m in PROMPTS],
            },
            "app_home": {
                "home_tab_enabled": True,
                "messages_tab_enabled": True,
                "messages_tab_read_only_enabled": False,
            },
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

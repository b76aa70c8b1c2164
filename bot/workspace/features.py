"""The features that an app's manifest declares, such as shortcuts, a home tab and scopes.

https://docs.slack.dev/reference/app-manifest
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from bot.workspace.agent_view import declares_agent

ShortcutKind = Literal["global", "message"]

READ = ("channels:read", "groups:read", "im:read", "mpim:read")
HISTORY = ("channels:history", "groups:history", "im:history", "mpim:history")
ALL_SCOPES = {
    *READ,
    *HISTORY,
    "app_mentions:read",
    "assistant:write",
    "canvases:read",
    "canvases:write",
    "channels:join",
    "chat:write",
    "commands",
    "files:read",
    "files:write",
    "im:write",
    "reactions:read",
    "reactions:write",
    "users:read",
}


@dataclass(frozen=True, slots=True)
class Shortcut:
    """An entry of the menu beside the message box ("global") or of a message's menu."""

    name: str
    callback_id: str
    kind: ShortcutKind

    def __post_init__(self) -> None:
        assert 0 < len(self.name) <= 24
        assert 0 < len(self.callback_id) <= 255
        assert self.kind in get_args(ShortcutKind)


@dataclass(frozen=True, slots=True)
class AppFeatures:
    """What the app has. Without a manifest that is everything but shortcuts, whose names it lacks.

    None for `events` or `scopes` means all of them, None for `shortcuts` means any callback_id.
    """

    shortcuts: tuple[Shortcut, ...] | None = None
    home: bool = True
    messages: bool = True
    agent: bool = True
    events: frozenset[str] | None = None
    scopes: frozenset[str] | None = None

    def offered(self, kind: ShortcutKind) -> list[Shortcut]:
        """Return the shortcuts of one menu."""
        return [shortcut for shortcut in self.shortcuts or () if shortcut.kind == kind]

    def subscribes(self, event: str) -> bool:
        """Say whether the app subscribes to events of this name."""
        return self.events is None or event in self.events

    def check(self, kind: ShortcutKind, callback_id: str) -> None:
        """Raise ValueError for a shortcut that the manifest does not have."""
        known = [shortcut.callback_id for shortcut in self.offered(kind)]
        if self.shortcuts is not None and callback_id not in known:
            raise ValueError(f"The app has no {kind} shortcut {callback_id!r}, only {known}.")


def features_of(manifest: Mapping[str, Any] | None) -> AppFeatures:
    """Return what a manifest declares. If it has no events or no scopes, the app has all.

    Raises ValueError for shortcuts and for an agent that Slack would refuse.
    """
    if manifest is None:
        return AppFeatures()
    declared = manifest.get("features", {})
    events = _names(manifest, "settings", "event_subscriptions", "bot_events")
    scopes = _names(manifest, "oauth_config", "scopes", "bot")
    agent = declares_agent(declared, events or ())
    return AppFeatures(
        tuple(_shortcut(entry) for entry in declared.get("shortcuts", [])),
        bool(declared.get("app_home", {}).get("home_tab_enabled")),
        # Slack shows it unless it is switched off; an agent's conversation is this tab.
        agent or bool(declared.get("app_home", {}).get("messages_tab_enabled", True)),
        agent,
        events,
        # To declare an agent is to ask for this scope. https://docs.slack.dev/ai/agent-sessions
        scopes | {"assistant:write"} if scopes and agent else scopes,
    )


def _shortcut(entry: Mapping[str, Any]) -> Shortcut:
    try:
        return Shortcut(entry["name"], entry["callback_id"], entry["type"])
    except (KeyError, AssertionError):
        raise ValueError(
            "A shortcut needs a name of at most 24 characters, a callback_id, and as its type "
            "global or message."
        ) from None


def _names(manifest: Mapping[str, Any], *path: str) -> frozenset[str] | None:
    found: Any = manifest
    for step in path:
        found = found.get(step, {})
    return frozenset(found) if found else None

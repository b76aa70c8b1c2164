"""What an app's manifest declares: shortcuts, a home tab, the assistant's pane, events, scopes.

https://docs.slack.dev/reference/app-manifest
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

ShortcutKind = Literal["global", "message"]


@dataclass(frozen=True, slots=True)
class Shortcut:
    """One entry of a menu: in the composer, or under a message."""

    name: str
    callback_id: str
    kind: ShortcutKind

    def __post_init__(self) -> None:
        assert 0 < len(self.name) <= 24
        assert 0 < len(self.callback_id) <= 255
        assert self.kind in get_args(ShortcutKind)


@dataclass(frozen=True, slots=True)
class AppFeatures:
    """An app without a manifest has all, but no menus of shortcuts, for nobody said their names."""

    shortcuts: tuple[Shortcut, ...] | None = None
    home: bool = True
    assistant: bool = True
    events: frozenset[str] | None = None
    scopes: frozenset[str] | None = None

    def offered(self, kind: ShortcutKind) -> list[Shortcut]:
        return [shortcut for shortcut in self.shortcuts or () if shortcut.kind == kind]

    def subscribes(self, event: str) -> bool:
        return self.events is None or event in self.events

    def check(self, kind: ShortcutKind, callback_id: str) -> None:
        """Raises ValueError for a shortcut that the manifest does not have."""
        known = [shortcut.callback_id for shortcut in self.offered(kind)]
        if self.shortcuts is not None and callback_id not in known:
            raise ValueError(f"The app has no {kind} shortcut {callback_id!r}, only {known}.")


def features_of(manifest: Mapping[str, Any] | None) -> AppFeatures:
    """What a manifest declares; of events and scopes all, where it leaves the section out.

    Raises ValueError for shortcuts that Slack would refuse.
    """
    if manifest is None:
        return AppFeatures()
    declared = manifest.get("features", {})
    return AppFeatures(
        tuple(_shortcut(entry) for entry in declared.get("shortcuts", [])),
        bool(declared.get("app_home", {}).get("home_tab_enabled")),
        "assistant_view" in declared or "agent_view" in declared,
        _names(manifest, "settings", "event_subscriptions", "bot_events"),
        _names(manifest, "oauth_config", "scopes", "bot"),
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

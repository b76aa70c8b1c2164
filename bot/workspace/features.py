"""What an app's manifest offers to people: shortcuts, a home tab, the assistant's pane.

https://docs.slack.dev/reference/app-manifest
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

ShortcutKind = Literal["global", "message"]


@dataclass(frozen=True, slots=True)
class Shortcut:
    """One entry of a menu: in the composer, or under a message."""

    name: str
    callback_id: str
    kind: ShortcutKind

    def __post_init__(self) -> None:
        assert 0 < len(self.name) <= 24, "a shortcut's name has at most 24 characters"
        assert 0 < len(self.callback_id) <= 255


@dataclass(frozen=True, slots=True)
class Features:
    """An app without a manifest has all but shortcuts, for nobody has said their names."""

    shortcuts: tuple[Shortcut, ...] | None = None
    home: bool = True
    assistant: bool = True

    def offered(self, kind: ShortcutKind) -> list[Shortcut]:
        return [shortcut for shortcut in self.shortcuts or () if shortcut.kind == kind]

    def check(self, kind: ShortcutKind, callback_id: str) -> None:
        """Raises ValueError for a shortcut that the manifest does not have."""
        known = [shortcut.callback_id for shortcut in self.offered(kind)]
        if self.shortcuts is not None and callback_id not in known:
            raise ValueError(f"The app has no {kind} shortcut {callback_id!r}, only {known}.")


def features_of(manifest: Mapping[str, Any] | None) -> Features:
    """The features that a manifest declares."""
    if manifest is None:
        return Features()
    declared = manifest.get("features", {})
    return Features(
        tuple(
            Shortcut(entry["name"], entry["callback_id"], entry["type"])
            for entry in declared.get("shortcuts", [])
        ),
        bool(declared.get("app_home", {}).get("home_tab_enabled")),
        "assistant_view" in declared,
    )

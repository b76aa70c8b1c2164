"""What Slack's schema of manifests says of the fields that ours has.

No package brings the schema along, so its rules stand here as a table; whatever field is not in it
is refused. https://github.com/slackapi/manifest-schema, version 1.0.0 as of 2026-07-21.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Text:
    """A string, with its longest and its shortest length."""

    most: int | None = None
    least: int = 1
    pattern: str = ""

    def faults(self, value: object, at: str) -> Iterator[str]:
        if not isinstance(value, str):
            yield f"{at} is no text"
        elif not self.least <= len(value) <= (self.most or len(value)):
            yield f"{at} has {len(value)} characters"
        elif not re.match(self.pattern, value):
            yield f"{at} does not match {self.pattern}"


@dataclass(frozen=True)
class Flag:
    """True or false."""

    def faults(self, value: object, at: str) -> Iterator[str]:
        if not isinstance(value, bool):
            yield f"{at} is no flag"


@dataclass(frozen=True)
class Many:
    """A list of what `each` allows."""

    each: "Rule"
    most: int | None = None
    least: int = 0
    unique: bool = False

    def faults(self, value: object, at: str) -> Iterator[str]:
        if not isinstance(value, Sequence) or isinstance(value, str):
            yield f"{at} is no list"
            return
        if not self.least <= len(value) <= (self.most or len(value)):
            yield f"{at} has {len(value)} entries"
        if self.unique and len(set(value)) < len(value):
            yield f"{at} has an entry twice"
        for i, entry in enumerate(value):
            yield from self.each.faults(entry, f"{at}/{i}")


@dataclass(frozen=True)
class Fields:
    """An object with these fields and no others; those that end in an asterisk must be there."""

    fields: Mapping[str, "Rule"]

    def faults(self, value: object, at: str) -> Iterator[str]:
        if not isinstance(value, Mapping):
            yield f"{at} is no object"
            return
        rules = {name.rstrip("*"): rule for name, rule in self.fields.items()}
        needed = {name.rstrip("*") for name in self.fields if name.endswith("*")}
        yield from (f"{at} has no {name}" for name in sorted(needed - set(value)))
        yield from (f"{at}/{name} is not in the schema" for name in sorted(set(value) - set(rules)))
        for name in set(value) & set(rules):
            yield from rules[name].faults(value[name], f"{at}/{name}")


Rule = Text | Flag | Many | Fields

ADDRESS = r"^https?:\/\/"
MANIFEST = Fields(
    {
        "display_information*": Fields({"name*": Text(35), "description": Text(140)}),
        "features": Fields(
            {
                "agent_view": Fields(
                    {
                        "agent_description": Text(300, least=0),
                        "suggested_prompts": Many(
                            Fields({"title*": Text(least=0), "message*": Text(least=0)}), most=4
                        ),
                    }
                ),
                "app_home": Fields(
                    {
                        "home_tab_enabled": Flag(),
                        "messages_tab_enabled": Flag(),
                        "messages_tab_read_only_enabled": Flag(),
                    }
                ),
                "bot_user": Fields({"display_name*": Text(80), "always_online": Flag()}),
                "shortcuts": Many(
                    Fields(
                        {
                            "name*": Text(24),
                            "type*": Text(pattern="^(message|global)$"),
                            "callback_id*": Text(255),
                            "description*": Text(150),
                        }
                    ),
                    most=10,
                    least=1,
                ),
                "slash_commands": Many(
                    Fields(
                        {
                            "command*": Text(32, least=2, pattern=r"^\/"),
                            "url": Text(3000, pattern=ADDRESS),
                            "description*": Text(2000),
                            "usage_hint": Text(1000),
                            "should_escape": Flag(),
                        }
                    ),
                    most=50,
                    least=1,
                ),
            }
        ),
        "oauth_config": Fields({"scopes": Fields({"bot": Many(Text(50, least=0), most=255)})}),
        "settings": Fields(
            {
                "event_subscriptions": Fields(
                    {
                        "request_url": Text(3500, pattern=ADDRESS),
                        "bot_events": Many(Text(50, least=0), most=100, unique=True),
                    }
                ),
                "interactivity": Fields(
                    {"is_enabled*": Flag(), "request_url": Text(3500, pattern=ADDRESS)}
                ),
                "org_deploy_enabled": Flag(),
                "socket_mode_enabled": Flag(),
                "token_rotation_enabled": Flag(),
            }
        ),
    }
)


def faults(manifest: object) -> list[str]:
    """Return what is wrong with a manifest, by its place."""
    return list(MANIFEST.faults(manifest, ""))

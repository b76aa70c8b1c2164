"""Text that a person typed, from Slack's markup back to what the person saw.

Slack escapes `&`, `<` and `>` in messages and in commands, so that what else stands between angle
brackets is its own. What comes from a form is plain, and does not pass through here.

https://docs.slack.dev/messaging/formatting-message-text#retrieving-messages
"""

import re
from collections.abc import Mapping
from types import MappingProxyType

NO_NAMES: Mapping[str, str] = MappingProxyType({})

# Only these forms are markup: "List<String>" is not, nor is "a<b and c>d".
MARKUP = re.compile(
    r"<(?:"
    r"@(?P<user>[UWB][A-Z0-9]+)"
    r"|#(?P<channel>[CDG][A-Z0-9]+)"
    r"|!(?P<everybody>here|channel|everyone)"
    r"|!subteam\^(?P<group>S[A-Z0-9]+)"
    r"|(?P<date>!date\^\d+\^[^|<>]+)"
    r"|(?P<address>[a-z][a-z0-9+.-]*://[^\s|<>]+|(?:mailto|tel|sms):[^\s|<>]+)"
    r")(?:\|(?P<label>[^<>]*))?>"
)
WITHOUT_HOST = re.compile(r"\A(?:mailto|tel|sms):")


def typed(text: str, *, bot: str = "", names: Mapping[str, str] = NO_NAMES) -> str:
    """Return links as addresses, mentions as names, entities as characters; drop the bot's name.

    `names`: of people and channels, by their ids.
    """
    shown = MARKUP.sub(lambda match: _shown(match, bot, names), text)
    return unescape(shown).strip()


def unescape(text: str) -> str:
    """Return the characters that Slack writes as entities."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def link(address: str, label: str) -> str:
    """Return a link as it is read: its label too, where that is not the address again."""
    address = WITHOUT_HOST.sub("", address)
    same = label.strip("/") in (address.strip("/"), address.partition("://")[2].strip("/"))
    if not address or not label or same:
        return address or label
    return f"{label} ({address})"


def _shown(match: re.Match[str], bot: str, names: Mapping[str, str]) -> str:
    found, label = match.groupdict(), match["label"] or ""
    if found["user"]:
        return (
            "" if found["user"] == bot else "@" + names.get(found["user"], label or found["user"])
        )
    if found["channel"]:
        return "#" + (label or names.get(found["channel"], found["channel"]))
    if found["everybody"] or found["group"]:
        return "@" + (label.removeprefix("@") or found["everybody"] or found["group"])
    return link(found["address"], label) if found["address"] else label

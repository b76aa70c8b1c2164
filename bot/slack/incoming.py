"""Text that a person typed, from Slack's markup back to what the person saw.

https://docs.slack.dev/messaging/formatting-message-text#retrieving-messages
"""

import re

MARKUP = re.compile(r"<(?P<kind>[@#!]?)(?P<target>[^|<>]*)(?:\|(?P<label>[^<>]*))?>")


def typed(text: str, *, bot: str = "") -> str:
    """Return links as addresses, mentions as names, entities as characters; drop the bot's name."""
    shown = MARKUP.sub(lambda match: _shown(match, bot), text)
    return shown.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&").strip()


def _shown(match: re.Match[str], bot: str) -> str:
    kind, target, label = match["kind"], match["target"], match["label"]
    if kind == "@" and target == bot:
        return ""
    if kind == "!":
        return label or "@" + target.partition("^")[0]
    return kind + (label or target) if kind else target.removeprefix("mailto:")

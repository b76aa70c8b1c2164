"""What a person typed, as Slack sends it, back to what they saw.

https://docs.slack.dev/messaging/formatting-message-text#retrieving-messages
"""

import re

MARKUP = re.compile(r"<(?P<kind>[@#!]?)(?P<target>[^|<>]*)(?:\|(?P<label>[^<>]*))?>")


def typed(text: str, *, bot: str = "") -> str:
    """Links as their address, mentions as a name, entities as characters; `bot`'s own name goes."""
    shown = MARKUP.sub(lambda match: _shown(match, bot), text)
    return shown.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&").strip()


def _shown(match: re.Match[str], bot: str) -> str:
    kind, target, label = match["kind"], match["target"], match["label"]
    if kind == "@" and target == bot:
        return ""
    if kind == "!":
        return label or "@" + target.partition("^")[0]
    return kind + (label or target) if kind else target.removeprefix("mailto:")

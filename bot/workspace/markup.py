"""How Slack's client encodes typed text before an app sees it.

https://docs.slack.dev/messaging/formatting-message-text
"""

import re
from collections.abc import Mapping

TOKENS = re.compile(
    r"<@(?P<id>[UW][A-Z0-9]+)>"
    r"|(?P<url>https?://[^\s<>|]+[^\s<>|.,;:!?)'\"])"
    r"|(?<!\S)@(?P<at>[\w.-]*\w)"
    r"|(?<!\S)#(?P<hash>[\w-]*\w)"
)
BROADCASTS = ("channel", "here", "everyone")


def escape(text: str) -> str:
    """Return `text` with Slack's three control characters escaped."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def typed_to_mrkdwn(text: str, people: Mapping[str, str], channels: Mapping[str, str]) -> str:
    """Return `text` as a message has it: escaped, with links and names as tokens.

    `people` and `channels` map names to ids. `<@U...>` of a known person stays a mention.
    """
    out, end = [], 0
    for match in TOKENS.finditer(text):
        out += [escape(text[end : match.start()]), _token(match, people, channels)]
        end = match.end()
    return "".join([*out, escape(text[end:])])


def _token(match: re.Match[str], people: Mapping[str, str], channels: Mapping[str, str]) -> str:
    found = match.groupdict()
    if found["id"] in people.values():
        return match[0]
    if found["url"]:
        return f"<{escape(found['url'])}>"
    if found["at"] in people:
        return f"<@{people[found['at']]}>"
    if found["at"] in BROADCASTS:
        return f"<!{found['at']}>"
    if found["hash"] in channels:
        return f"<#{channels[found['hash']]}|{found['hash']}>"
    return escape(match[0])

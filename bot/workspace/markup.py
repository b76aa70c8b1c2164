"""How Slack's client encodes typed text before an app sees it.

https://docs.slack.dev/messaging/formatting-message-text
"""

import html
import re
from collections.abc import Mapping

TOKENS = re.compile(
    r"<@(?P<id>[UW][A-Z0-9]+)>"
    r"|(?P<url>https?://[^\s<>|]+[^\s<>|.,;:!?)'\"])"
    r"|(?<!\S)@(?P<at>[\w.-]*\w)"
    r"|(?<!\S)#(?P<hash>[\w-]*\w)"
    r"|[&<>]"
)
BROADCASTS = ("channel", "here", "everyone")


def escape(text: str) -> str:
    """Return `text` with Slack's three control characters escaped."""
    return html.escape(text, quote=False)


def typed_to_mrkdwn(text: str, people: Mapping[str, str], channels: Mapping[str, str]) -> str:
    """Return `text` as a message has it: escaped, with links and names as tokens.

    `people` and `channels` map names to ids. `<@U...>` of a known person stays a mention.
    """

    def token(match: re.Match[str]) -> str:
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

    return TOKENS.sub(token, text)

"""Text that Slack would act on: broadcasts, mentions, control markup.

https://docs.slack.dev/messaging/formatting-message-text#advanced
"""

import re
from collections.abc import Iterator

from safety.text.normalise import NormalisedText
from safety.verdict import Finding

BROADCAST = re.compile(
    r"(?i)(?<![A-Za-z0-9._%+-])@(channel|here|everyone)(?![A-Za-z0-9_-]|\.[A-Za-z0-9])"
)
MARKUP = re.compile(r"<([!@#])([^<>|\n]{1,200})(?:\|([^<>\n]{0,200}))?>")
RULES = {"!": "slack_control", "@": "slack_user_mention", "#": "slack_channel_mention"}
IDS = re.compile(r"[A-Z0-9]{1,20}")


class SlackMarkup:
    def find(self, text: NormalisedText) -> Iterator[Finding]:
        for match in BROADCAST.finditer(text.text):
            yield text.finding("slack_markup", "slack_broadcast", *match.span())
        for match in MARKUP.finditer(text.text):
            if match[1] == "!" or IDS.fullmatch(match[2]):
                yield text.finding("slack_markup", _rule(match), *match.span())


def _rule(match: re.Match[str]) -> str:
    if match[1] == "!" and match[2].lower() in ("channel", "here", "everyone"):
        return "slack_broadcast"
    return RULES[match[1]]


def plain(markup: str) -> str:
    """Return the words of a piece of markup; Slack neither links them nor notifies anybody."""
    match = MARKUP.fullmatch(markup)
    if match is None:
        return markup.lstrip("@")
    name = match[3] or match[2].split("^")[0]
    return name.strip().lstrip("@#!")

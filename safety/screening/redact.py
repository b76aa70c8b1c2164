"""Replaces what was found: by a placeholder, by plain words, or by nothing."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from safety.detectors import links, slack_markup
from safety.text.normalise import NormalisedText
from safety.verdict import Finding

PLACEHOLDERS = {
    "secret": "[secret removed]",
    "card": "[card number removed]",
    "identity": "[ID number removed]",
    "account": "[account number removed]",
    "email": "[e-mail removed]",
    "phone": "[phone number removed]",
    "handle": "[account name removed]",
    "ip_address": "[IP address removed]",
    "link": "",
    "slack_markup": "",
    "invisible": "",
}
"""By category; where findings overlap, the first of these names the whole span."""


def has_span(category: str) -> bool:
    """Say whether findings of this category can be taken out of a text."""
    return category in PLACEHOLDERS


def redact(text: NormalisedText, findings: Iterable[Finding], allow: Sequence[str]) -> str:
    """Return the text with every finding replaced; links to hosts of `allow` stay links."""
    shown, position = [], 0
    for finding in merged(findings):
        shown.append(text.original[position : finding.start])
        shown.append(_replacement(finding, text.part(finding.start, finding.end), allow))
        position = finding.end
    return "".join([*shown, text.original[position:]])


def merged(findings: Iterable[Finding]) -> list[Finding]:
    """Return findings in order; overlapping ones become one, of the gravest category among them."""
    found: list[Finding] = []
    for finding in sorted(findings, key=lambda each: (each.start, -each.end)):
        if not found or finding.start >= found[-1].end:
            found.append(finding)
            continue
        before = found[-1]
        grave = min(before, finding, key=lambda each: list(PLACEHOLDERS).index(each.category))
        found[-1] = replace(grave, start=before.start, end=max(before.end, finding.end))
    return found


def _replacement(finding: Finding, found: NormalisedText, allow: Sequence[str]) -> str:
    if finding.category == "slack_markup":
        return slack_markup.plain(found.text)
    if finding.category == "link":
        # A host that is only allowed once its letters are folded is another host.
        return links.plain(found, allow if found.text == found.original else ())
    return PLACEHOLDERS[finding.category]

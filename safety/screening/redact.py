"""What stands in the place of what was found."""

from collections.abc import Iterable, Iterator, Sequence

from safety.detectors import links, slack_markup
from safety.screening.verdict import Finding
from safety.text.normalise import normalise

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
    """Whether what is found of this category can be taken out of a text."""
    return category in PLACEHOLDERS


def redact(text: str, findings: Iterable[Finding], allow: Sequence[str]) -> str:
    """The text with every finding replaced; `allow` are the hosts whose links stay links."""
    shown, position = [], 0
    for finding in merged(findings):
        shown.append(text[position : finding.start])
        shown.append(_replacement(finding, text[finding.start : finding.end], allow))
        position = finding.end
    return "".join([*shown, text[position:]])


def merged(findings: Iterable[Finding]) -> Iterator[Finding]:
    """Findings in order, those that overlap made one of the gravest category among them."""
    current: Finding | None = None
    for finding in sorted(findings, key=lambda found: (found.start, -found.end)):
        if current is None or finding.start >= current.end:
            if current is not None:
                yield current
            current = finding
        else:
            current = _union(current, finding)
    if current is not None:
        yield current


def _union(one: Finding, other: Finding) -> Finding:
    gravity = list(PLACEHOLDERS)
    grave = min((one, other), key=lambda finding: gravity.index(finding.category))
    return Finding(
        grave.category, grave.rule, one.start, max(one.end, other.end), max(one.score, other.score)
    )


def _replacement(finding: Finding, original: str, allow: Sequence[str]) -> str:
    read = normalise(original)
    if finding.category == "slack_markup":
        return slack_markup.plain(read.text)
    if finding.category == "link":
        # A host that is only allowed once its letters are folded is another host.
        return links.plain(read, allow if read.text == original else ())
    return PLACEHOLDERS[finding.category]

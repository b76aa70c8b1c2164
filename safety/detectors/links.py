"""Links (RFC 3986): Slack makes them clickable, and may fetch a preview before anybody clicks.

A preview of an address that the model wrote can carry the conversation to the owner of the host.
Links to hosts on the policy's list stay as they are; all others are shown so that nothing links
them.
"""

import re
from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

from safety.detectors.domains import FILE_ENDINGS, NO_DOMAINS, TOP_LEVEL
from safety.policy.policy import is_listed
from safety.text.normalise import NormalisedText
from safety.verdict import Finding

PATH = r"[!#-&(-;=?-\[\]^_a-{}~]"  # printable ASCII without space, quotes, < > \ ` |
URL = re.compile(
    rf"(?i)(?<![a-z0-9])[a-z][a-z0-9+.-]{{1,20}}://[\w.:@%\[\]-]{{1,300}}(?:[/?#]{PATH}*)?"
    rf"|(?<![a-z0-9])(?:javascript|vbscript|data:[a-z]+/[a-z0-9.+-]+[;,]|blob|view-source):?{PATH}+"
)
SCRIPT = re.compile(r"(?i)(?:javascript|vbscript|data|blob|view-source):[^ ]")
ENDING = r"(?P<ending>[Xx][Nn]--[A-Za-z0-9-]{2,59}|[A-Za-z]{2,24})(?![A-Za-z0-9@-])"
AFTER_HOST = rf"(?::[0-9]{{1,5}})?(?P<path>[/?#]{PATH}*)?"
BARE = re.compile(
    rf"(?<![A-Za-z0-9@-])(?<![A-Za-z0-9]\.)(?:[A-Za-z0-9-]{{1,63}}\.){{1,8}}{ENDING}{AFTER_HOST}"
)
# A Chinese name before a dot and a top-level domain: the character next to the dot is enough.
BARE_CJK = re.compile(rf"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]\.{ENDING}{AFTER_HOST}")
SCHEME = r"(?:[a-zA-Z][a-zA-Z0-9+.-]{1,20}:|//|www\.)"
PLAIN = r"[^\s()<>]{0,2000}"
TARGET = rf"{SCHEME}{PLAIN}(?:\({PLAIN}\){PLAIN}){{0,8}}"
LABEL = r"!?\[(?P<label>[^\[\]\n]{0,200})\]"
MARKDOWN = re.compile(
    rf"{LABEL}(?:\(<?(?P<target>{TARGET})>?\)?"
    rf"|:[ \t]{{0,3}}<?(?P<defined>{SCHEME}{PATH}{{1,2000}}(?<![.,;:!?]))>?)"
)
ANGLE = re.compile(
    r"<(?P<target>(?:https?|mailto|tel|ftp|slack):[^\s<>|]{1,500})"
    r"(?:\|(?P<label>[^<>\n]{0,200}))?>"
)
CODE = re.compile(r"(?m)^ {0,3}```[\s\S]*?(?:^ {0,3}```|\Z)|`[^`\n]+`")
TRAILING = ".,;:!?'*_~)]}"


class Links:
    def __init__(self, allow: Sequence[str]) -> None:
        self.allow = allow

    def find(self, text: NormalisedText) -> Iterator[Finding]:
        if "." not in text.text and ":" not in text.text:
            return
        labelled = [
            match.span() for pattern in (MARKDOWN, ANGLE) for match in pattern.finditer(text.text)
        ]
        for span in labelled:
            yield text.finding("link", "link_label", *span)
        covered = _mask(labelled, len(text.text))
        urls = [(start, end) for start, end in _urls(text.text) if not covered[start]]
        covered = _mask([*labelled, *urls], len(text.text))
        bare = [(start, end) for start, end in _bare_domains(text.text) if not covered[start]]
        for start, end in (*urls, *bare):
            url = text.text[start:end]
            if text.written(start, end) != url or not is_allowed(url, self.allow):
                rule = "link_script" if SCRIPT.match(url) else "link_host"
                yield text.finding("link", rule, start, end)


def _urls(text: str) -> Iterator[tuple[int, int]]:
    if ":" not in text:
        return
    for match in URL.finditer(text):
        url = match[0].rstrip(TRAILING)
        if "://" in url or SCRIPT.match(url):
            yield match.start(), match.start() + len(url)


def _bare_domains(text: str) -> Iterator[tuple[int, int]]:
    in_code = _mask([match.span() for match in CODE.finditer(text)], len(text))
    for match in (*BARE.finditer(text), *BARE_CJK.finditer(text)):
        if _is_host(match["ending"].lower(), match["path"], bool(in_code[match.start()])):
            yield match.start(), match.start() + len(match[0].rstrip(TRAILING))


def _is_host(ending: str, path: str | None, in_code: bool) -> bool:
    """Say whether a name is taken for a host: by its ending, or by the path behind it."""
    known = ending in TOP_LEVEL or ending.startswith("xn--")
    if path:
        return known or (ending not in NO_DOMAINS and not in_code)
    return known and ending not in FILE_ENDINGS and not in_code


def _mask(spans: Sequence[tuple[int, int]], length: int) -> bytearray:
    """Return 1 for each character that a span covers, 0 for others."""
    mask = bytearray(length)
    for start, end in spans:
        mask[start:end] = b"\1" * (end - start)
    return mask


def is_allowed(url: str, allow: Sequence[str]) -> bool:
    """Say whether the host is on the list."""
    try:
        parts = urlsplit(url if "://" in url else f"https://{url}")
        host = (parts.hostname or "").lower()
    except ValueError:
        return False
    if parts.scheme not in ("http", "https") or not host.isascii():
        return False
    return is_listed(host, allow)


def plain(link: NormalisedText, allow: Sequence[str]) -> str:
    """Return a link as words: its label as written, its target as a link only if it is allowed."""
    match = MARKDOWN.fullmatch(link.text) or ANGLE.fullmatch(link.text)
    if match is None:
        return _defang(link.text, allow)
    target = match["target"] or match["defined"]
    shown = _defang(target, allow)
    label = link.written(*match.span("label"))
    return f"{label} ({shown})" if label and match["label"] != target else shown


def _defang(url: str, allow: Sequence[str]) -> str:
    """Return a readable address that is no link: `a[.]example/b[.]c`."""
    if is_allowed(url, allow):
        return url
    bare = re.sub(r"(?i)^(?:(?:https?:)?//)+", "", url)
    bare = re.sub(r"(?i)([a-z])(:)(?=//)|^([a-z][a-z0-9+.-]*)(:)(?![0-9])", r"\1\3[:]", bare)
    return re.sub(r"\.(?=[A-Za-z0-9])", "[.]", bare)

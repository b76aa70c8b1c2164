"""IP addresses (RFC 791, RFC 4291) that IANA calls global: they lead to a house or a server."""

import ipaddress
import re
from collections.abc import Iterator

from safety.text.normalise import NormalisedText
from safety.verdict import Finding

OCTET = "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
V4 = re.compile(rf"(?<![A-Za-z0-9_.:/-]){OCTET}(?:\.{OCTET}){{3}}(?![A-Za-z0-9_-]|\.[A-Za-z0-9])")
V6 = re.compile(
    r"(?<![A-Za-z0-9:.])(?:[0-9A-Fa-f]{1,4}:{1,2}){2,7}[0-9A-Fa-f]{1,4}(?![A-Za-z0-9:]|\.[0-9])"
)
# "version 4.16.0.9" has the same form.
VERSION = re.compile(r"(?i)(?:version|ver\.?|release|build|update|firmware|v|版本)[ :号]{0,3}\Z")
CONTEXT_CHARS = 12


class IPAddresses:
    def find(self, text: NormalisedText) -> Iterator[Finding]:
        text = text.closed_up
        v6 = V6.finditer(text.text) if text.text.count(":") > 1 else ()
        for match in (*V4.finditer(text.text), *v6):
            before = text.text[max(0, match.start() - CONTEXT_CHARS) : match.start()]
            if _is_public(match[0]) and not VERSION.search(before):
                yield text.finding("ip_address", "ip_address", *match.span())


def _is_public(written: str) -> bool:
    try:
        return ipaddress.ip_address(written).is_global
    except ValueError:
        return False

"""E-mail addresses (RFC 5321 and 6531 in their common form: no quoted local parts).

Chinese, Japanese and Korean have no space before an address. A name in them is at most the last
four characters; a name in other letters begins behind them.
"""

import re
from collections.abc import Iterator

from safety.text.normalise import NormalisedText
from safety.verdict import Finding

# Letters and combining marks of scripts with spaces between words.
LETTER = "A-Za-z\u00c0-\u0dff\u10a0-\u10ff\u1e00-\u1fff"
CJK = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
LABEL = f"(?:[{LETTER}0-9-]{{1,63}}|[{CJK}]{{1,16}})"
ENDING = (
    f"(?:[Xx][Nn]--[A-Za-z0-9-]{{2,59}}|[{LETTER}]{{2,24}}"
    "|中国|中國|公司|网络|網絡|網路|香港|台湾|台灣)"
)
NAME = (
    rf"(?:(?<![{LETTER}0-9_])(?<![{LETTER}0-9_][.%+-])[{LETTER}0-9_]"
    rf"|[{CJK}]{{1,4}}(?=@|[._+-][{LETTER}0-9]))[{LETTER}0-9._%+'-]{{0,63}}@"
)
ADDRESS = re.compile(rf"{NAME}({LABEL}(?:\.{LABEL}){{0,7}}\.{ENDING})(?![{LETTER}0-9@])")
# RFC 2606 keeps these names for examples: an address there is nobody's.
RESERVED = re.compile(r"(?i)(?:^|\.)(?:example\.(?:com|net|org)|example|test|invalid|localhost)$")


class Emails:
    def find(self, text: NormalisedText) -> Iterator[Finding]:
        if "@" not in text.text:
            return
        text = text.closed_up
        for match in ADDRESS.finditer(text.text):
            if not RESERVED.search(match[1]):
                yield text.finding("email", "email_address", *match.span())

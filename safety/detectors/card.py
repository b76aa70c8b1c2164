"""Numbers of payment and bank cards (ISO/IEC 7812): 12 to 19 digits that Luhn's check accepts.

A number needs the prefix of an issuer, or a word such as "card" before it.
"""

import re
from collections.abc import Iterator

from stdnum import luhn

from safety.text.normalise import NormalisedText
from safety.text.segmentation import GAP
from safety.verdict import Finding

DIGITS = re.compile(r"(?<![A-Za-z0-9])(?<![0-9][.,])[0-9](?:[ \n-]?[0-9]){11,18}(?![A-Za-z0-9])")
ENOUGH = re.compile("[0-9](?:[^0-9]{0,3}[0-9]){11}")
# The groups on cards. If wider gaps were allowed in DIGITS, two dates would be a number.
GROUPED = tuple(
    re.compile(
        r"(?<![A-Za-z0-9])(?<![0-9][.,])"
        + GAP.join(f"[0-9]{{{size}}}" for size in sizes)
        + r"(?![A-Za-z0-9])"
    )
    for sizes in ((4, 4, 4), (4, 4, 4, 4), (4, 4, 4, 4, 3), (4, 6, 4), (4, 6, 5))
)
ISSUER = re.compile(
    r"4[0-9]{12}(?:[0-9]{3}){0,2}"  # Visa: 13, 16, 19 digits
    r"|(?:5[1-5]|2[2-7])[0-9]{14}"  # Mastercard
    r"|3[47][0-9]{13}"  # American Express
    r"|3(?:0|6|8|9)[0-9]{12,17}"  # Diners Club
    r"|35[0-9]{14,17}|(?:2131|1800)[0-9]{11}"  # JCB
    r"|(?:6011|64[4-9]|65)[0-9]{12,15}"  # Discover
    r"|(?:62|81)[0-9]{14,17}"  # UnionPay
    r"|(?:50|5[6-9]|6[0-9])[0-9]{11,17}"  # Maestro, from 13 digits
)
# Chinese bank cards from before UnionPay's 62 and short Maestro numbers need a word before them.
# A word behind a bracket is the placeholder of a number that was removed.
CONTEXT = re.compile(
    r"(?i)(?<![a-z\[])(?:cards?|cc|visa|mastercard|maestro|amex)(?![a-z])"
    r"|卡号|银行卡|信用卡|储蓄卡|借记卡|账号|帐号"
)
CONTEXT_CHARS = 24


class CardNumbers:
    def find(self, text: NormalisedText) -> Iterator[Finding]:
        text = text.closed_up.simplified
        if ENOUGH.search(text.text):
            for start, end in dict.fromkeys(_cards(text.text)):
                yield text.finding("card", "card_number", start, end)


def _cards(text: str) -> Iterator[tuple[int, int]]:
    """Yield the spans of cards, perhaps more than once."""
    for pattern in (DIGITS, *GROUPED):
        for match in pattern.finditer(text):
            number, start = re.sub(r"[^0-9]", "", match[0]), match.start()
            is_card = ISSUER.fullmatch(number) or CONTEXT.search(
                text, max(0, start - CONTEXT_CHARS), start
            )
            if is_card and luhn.is_valid(number):
                yield match.span()

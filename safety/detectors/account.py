"""IBANs (ISO 13616), and wallets of Bitcoin (BIP 173, BIP 350, Base58Check) and Ethereum."""

import re
from collections.abc import Iterator

from stdnum import bitcoin, iban

from safety.text.normalise import NormalisedText
from safety.text.segmentation import GAP
from safety.verdict import Finding

# Matches at each place where one may begin: a word before the number may have the same form.
IBAN = re.compile(
    rf"(?<![A-Za-z0-9])(?=([A-Za-z]{{2}}[0-9]{{2}}(?:{GAP}[A-Za-z0-9]){{11,30}})(?![A-Za-z0-9]))"
)
LAST_GROUP = re.compile(r"[^A-Za-z0-9]*[A-Za-z0-9]*\Z")
BITCOIN = re.compile(
    r"(?<![A-Za-z0-9])(?:[13][1-9A-HJ-NP-Za-km-z]{25,34}"
    r"|bc1[02-9ac-hj-np-z]{11,71}|BC1[02-9AC-HJ-NP-Z]{11,71})(?![A-Za-z0-9])"
)
ETHEREUM = re.compile(r"(?<![A-Za-z0-9])0x[0-9A-Fa-f]{40}(?![A-Za-z0-9])")


class Accounts:
    def find(self, text: NormalisedText) -> Iterator[Finding]:
        text = text.closed_up
        for match in IBAN.finditer(text.text):
            if length := _iban_length(match[1]):
                yield text.finding("account", "iban", match.start(), match.start() + length)
        for match in BITCOIN.finditer(text.text):
            if bitcoin.is_valid(match[0]) or _is_bech32m(match[0].lower()):
                yield text.finding("account", "wallet_bitcoin", *match.span())
        for match in ETHEREUM.finditer(text.text):
            if len(set(match[0])) > 6:  # 0x0000... is nobody's
                yield text.finding("account", "wallet_ethereum", *match.span())


def _iban_length(written: str) -> int:
    """Return how many characters are an IBAN, or 0: the last groups may be the next words."""
    while written and not iban.is_valid(re.sub(r"[/_·]", "", written), check_country=False):
        written = LAST_GROUP.sub("", written, count=1)
    return len(written)


def _is_bech32m(address: str) -> bool:
    """Say whether the checksum of a Taproot address is right (BIP 350)."""
    values = [3, 3, 0, 2, 3]  # "bc", expanded
    values += ["qpzry9x8gf2tvdw0s3jn54khce6mua7l".find(letter) for letter in address[3:]]
    checksum = 1
    for value in values:
        top, checksum = checksum >> 25, (checksum & 0x1FFFFFF) << 5 ^ value
        for bit, generator in enumerate(GENERATORS):
            checksum ^= generator if top >> bit & 1 else 0
    return address.startswith("bc1p") and checksum == 0x2BC830A3


GENERATORS = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)

"""Texts with secrets and personal data in them, and texts that only look like it.

Made by seed, after what issuers and states publish about their forms; no code of the detectors is
used here, and check digits are computed, not checked.
"""

import string
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

Make = Callable[[Random], str]

WORD = string.ascii_letters + string.digits
URL_SAFE = WORD + "-_"
HEX = "0123456789abcdef"
UPPER = string.ascii_uppercase + string.digits
BASE32 = string.ascii_uppercase + "234567"
BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
BASE64 = WORD + "+/"


def some(alphabet: str, length: int, draw: Random) -> str:
    return "".join(draw.choices(alphabet, k=length))


def digits(length: int, draw: Random) -> str:
    return some(string.digits, length, draw)


def identifier(draw: Random) -> str:
    return str(uuid.UUID(int=draw.getrandbits(128), version=4))


@dataclass(frozen=True)
class Sample:
    """A text, and where in it what is of which kind."""

    text: str
    kind: str
    start: int
    end: int


def placed(frame: str, kind: str, value: str) -> Sample:
    """Return the sample with the value in the one `{}` of `frame`."""
    start = frame.index("{}")
    return Sample(frame.replace("{}", value, 1), kind, start, start + len(value))

"""Words that must not be in a log or a file, in every form in which they could be written."""

import base64
import json
from collections.abc import Iterator
from urllib.parse import quote


def canary(name: str) -> str:
    """Return a word that nothing else says, with a letter that many forms escape."""
    return f"quetzalcóatl{name}"


def leaked(words: str, data: bytes) -> list[str]:
    """Return the forms in which these words are in the data."""
    return [form for form, written in forms(words) if written in data]


def forms(words: str) -> Iterator[tuple[str, bytes]]:
    """Yield each form's name, and the words in it."""
    assert len(words) > 12, "too short for Base64, whose ends are left out"
    raw = words.encode()
    yield "UTF-8", raw
    yield "Latin-1", words.encode("latin-1")
    yield "UTF-16, little-endian", words.encode("utf-16-le")
    yield "UTF-16, big-endian", words.encode("utf-16-be")
    yield "JSON", json.dumps(words)[1:-1].encode()
    yield "ascii()", ascii(words)[1:-1].encode()
    yield "repr() of bytes", repr(raw)[2:-1].encode()
    yield "URL", quote(words).encode()
    yield "hex", raw.hex().encode()
    yield "HEX", raw.hex().upper().encode()
    for shift in range(3):
        # Without the characters that depend on the bytes before and after.
        code = base64.b64encode(bytes(shift) + raw)[4:-4]
        yield f"Base64, {shift} on", code
        yield f"Base64 of URLs, {shift} on", code.translate(bytes.maketrans(b"+/", b"-_"))

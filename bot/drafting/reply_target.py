"""Which draft a reply means: one that it quotes or links to, or whose number it begins with."""

import re
from dataclasses import dataclass

# "2: shorter", "#2 shorter", "draft 2 shorter", "第2稿：短一点"; not "2:30", nor "3.5 million".
NUMBER = re.compile(
    r"(?P<mark>#|draft\s*#?|草稿|第)?\s*(?P<number>\d{1,4})\s*(?P<end>稿|版|[:：.)、](?!\d)|(?=\s))"
    r"[\s:：.)、]*(?P<rest>.*)",
    re.IGNORECASE | re.DOTALL,
)
# "2 shorter" names a draft, "2 jokes" does not: what follows a bare number is a request.
REQUEST = re.compile(
    r"(?:make|add|mention|remove|drop|cut|rewrite|change|translate|use|keep|turn|try|end|begin|start"
    r"|without|with|but|in|as|please|less|shorter|longer|simpler|friendlier|funnier|warmer|clearer"
    r"|stronger|softer|tighter|livelier|better|plainer|more\s+(?:formal|casual|friendly|serious"
    r"|concise|detailed|personal|direct|positive|playful))\b|[短长改更加去写翻用请把再]",
    re.IGNORECASE,
)
# "1. Shorter\n2. The tram" is a list of requests.
LISTED = re.compile(r"^\s*\d{1,2}\s*[.)、]", re.MULTILINE)
LINK = re.compile(r"https?://[^\s/]+/archives/(?P<channel>\w+)/p(?P<ts>\d{7,})(?:\?\S*)?")
QUOTE = re.compile(r"(?:^>[^\n]*(?:\n|\Z))+", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Pointer:
    """What a reply says of the draft that it means, and what is left of it: the instruction.

    At most one of `number`, `ts` (of a message) and `quote` (words of the draft) is set. A number
    that is not `marked` as a draft's may be a number of something else.
    """

    rest: str
    number: int | None = None
    marked: bool = False
    ts: str | None = None
    quote: str | None = None

    def __post_init__(self) -> None:
        assert sum(each is not None for each in (self.number, self.ts, self.quote)) <= 1


def pointed(text: str) -> Pointer:
    """Read what a reply points to; one that points nowhere is all instruction."""
    if link := LINK.search(text):
        digits = link["ts"]
        rest = (text[: link.start()] + text[link.end() :]).strip().lstrip(">").strip()
        return Pointer(rest, ts=f"{digits[:-6]}.{digits[-6:]}")
    if (quote := QUOTE.match(text)) and text[quote.end() :].strip():
        # The passage stays in the instruction: it says what is to be changed.
        return Pointer(text, quote=quoted(quote[0]))
    if (number := NUMBER.match(text)) and _is_number_of_a_draft(number):
        marked = bool(number["mark"] or number["end"])
        return Pointer(number["rest"].strip(), number=int(number["number"]), marked=marked)
    return Pointer(text)


def quoted(lines: str) -> str:
    """Return the words of a quotation, one space between them."""
    return " ".join(lines.replace("\n>", "\n").removeprefix(">").split())


def holds(text: str, quote: str) -> bool:
    """Say whether the text has these words, its Markdown aside."""
    return bool(_bare(quote)) and _bare(quote) in _bare(text)


def _bare(text: str) -> str:
    return "".join(c for c in text if c.isalnum())


def _is_number_of_a_draft(match: re.Match[str]) -> bool:
    rest = match["rest"].strip()
    if not rest or LISTED.search(rest):
        return False
    return bool(match["mark"] or match["end"] or REQUEST.match(rest))

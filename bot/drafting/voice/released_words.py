"""Words that the filter judges together."""

from collections.abc import Awaitable, Callable, Sequence

from safety import SafeText, part


async def released_words(
    words: Sequence[str], judge: Callable[[str], Awaitable[SafeText | None]]
) -> Sequence[SafeText]:
    """Return what may be shown of some words, in their order; nothing where the filter stops one.

    They are judged as one text, a line each.
    """
    if not words:
        return []
    text = await judge("\n".join(" ".join(word.split()) for word in words))
    pieces, at = [], 0
    for line in (text or "").split("\n"):
        pieces.append(part(text, at, at + len(line)) if text else None)
        at += len(line) + 1
    released = [piece for piece in pieces if piece]
    return released if len(released) == len(words) else []

"""Quoted and attached text: what a draft is based on, and never an instruction.

Each of its lines begins with a mark. Whatever stands in it, no line of it can look like one of
ours: that is all that keeps it apart, and a model may still do what it says. So it is judged
apart, too, and stricter than what the person wrote.
"""

import re
from collections.abc import Iterator, Sequence

from bot.store import Source
from safety import Action, Filter, Stage, Verdict

MARK = "> "

_QUOTED = re.compile(r" {0,3}(>>>|>)[> ]*")


def quote(text: str) -> str:
    """The text with the mark before each of its lines, whatever ends a line."""
    return "\n".join(MARK + line for line in text.splitlines())


def quoted_source(source: Source) -> str:
    """A source with its name, which is not ours either."""
    return quote(f"[{' '.join(source.name.splitlines())}]\n{source.text}")


def marked(text: str) -> str:
    """What a person wrote, with the same mark before each line that it quotes."""
    lines = (MARK + line if is_quoted else line for line, is_quoted in _lines(text))
    return "\n".join(lines)


def quoted_in(text: str) -> str:
    """The lines that it quotes, without their marks."""
    return "\n".join(line for line, is_quoted in _lines(text) if is_quoted)


def _lines(text: str) -> Iterator[tuple[str, bool]]:
    """Each line, and whether it is quoted: by > or, to the end of the text, by >>>, as in Slack."""
    to_the_end = False
    for line in text.split("\n"):
        match = _QUOTED.match(line)
        to_the_end = to_the_end or (match is not None and match[1] == ">>>")
        yield (line[match.end() :] if match else line), to_the_end or match is not None


async def judge_asked(
    filter_: Filter,
    asked: str,
    sources: Sequence[Source] = (),
    *,
    request: str,
    who: str = "",
    held: Action = Action.HOLD,
) -> Verdict:
    """The verdict on what a person asks: by all of it, or by its material where that is stopped."""
    verdict = await filter_.judge(asked, Stage.INPUT, request=request, who=who, held=held)
    for material in filter(None, (quoted_in(asked), *map(quoted_source, sources))):
        stage = Stage.MATERIAL
        found = await filter_.judge(material, stage, request=request, who=who, held=held)
        if found.action.stops and found.action.strictness > verdict.action.strictness:
            verdict = found
    return verdict

"""Text out of a file that somebody attached: .txt, .md, .docx, .pdf.

A hostile file can make a parser loop or eat memory: a process of its own reads it
(`bot.extraction.extraction_worker`).
"""

import asyncio
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

KINDS = ("txt", "md", "docx", "pdf")
MOST_BYTES = 10_000_000
SECONDS = 20.0

# Each may take a gigabyte and more.
AT_ONCE = asyncio.Semaphore(2)


class Unreadable(Exception):
    """The file gives no text. `reason` is one of: kind, size, broken, empty, slow."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Text:
    """What a file says; `left_out` characters at its end were not kept."""

    text: str
    left_out: int


def kind_of(name: str) -> str:
    """The file's kind by its ending. Raises Unreadable for one that is not read."""
    ending = PurePath(name).suffix.lower().removeprefix(".")
    kind = {"markdown": "md", "text": "txt"}.get(ending, ending)
    if kind not in KINDS:
        raise Unreadable("kind")
    return kind


async def read(name: str, data: bytes, limit: int) -> Text:
    """Its text, cut to `limit` characters. Raises Unreadable."""
    kind = kind_of(name)
    if len(data) > MOST_BYTES:
        raise Unreadable("size")
    async with AT_ONCE:
        told = await _told(kind, data, limit)
    if "reason" in told:
        raise Unreadable(told["reason"])
    if not told["text"].strip():
        raise Unreadable("empty")
    return Text(told["text"], told["left_out"])


async def _told(kind: str, data: bytes, limit: int) -> dict[str, Any]:
    """What the process says of the file. Raises Unreadable."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot.extraction.extraction_worker", kind, str(limit)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        # None of our secrets: the file may take the process over.
        env={"PATH": os.defpath, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    try:
        async with asyncio.timeout(SECONDS):
            out, _ = await process.communicate(data)
    except TimeoutError:
        raise Unreadable("slow") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        raise Unreadable("broken")
    return dict(json.loads(out))

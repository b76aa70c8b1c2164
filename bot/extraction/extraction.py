"""Text of a file that somebody attached: .txt, .md, .docx, .pdf.

A hostile file can make a parser loop or use all memory: a process of its own reads it
(`bot.extraction.extraction_worker`). Knows nothing of Slack or of drafts.
"""

import asyncio
import json
import os
import sys
from pathlib import Path, PurePath

KINDS = ("txt", "md", "docx", "pdf")
MOST_BYTES = 10_000_000
SECONDS = 20.0

# Each may use more than a gigabyte.
WORKERS = asyncio.Semaphore(2)


class Unreadable(Exception):
    """The file gives no text. `reason` is one of: kind, size, broken, empty, slow."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def kind_of(name: str) -> str:
    """Return the kind of a file by its ending. Raises Unreadable for a kind that is not read."""
    ending = PurePath(name).suffix.lower().removeprefix(".")
    kind = {"markdown": "md", "text": "txt"}.get(ending, ending)
    if kind not in KINDS:
        raise Unreadable("kind")
    return kind


async def extract(name: str, data: bytes, limit: int) -> tuple[str, int]:
    """Return at most `limit` characters of a file's text, and how many were left out.

    Raises Unreadable.
    """
    kind = kind_of(name)
    if len(data) > MOST_BYTES:
        raise Unreadable("size")
    async with WORKERS:
        answer = json.loads(await _run_worker(kind, data, limit))
    if "reason" in answer:
        raise Unreadable(answer["reason"])
    if not answer["text"].strip():
        raise Unreadable("empty")
    return answer["text"], answer["left_out"]


async def _run_worker(kind: str, data: bytes, limit: int) -> bytes:
    """Return the JSON that the worker writes. Raises Unreadable if it writes none."""
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
            answer, _ = await process.communicate(data)
    except TimeoutError:
        raise Unreadable("slow") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        raise Unreadable("broken")
    return answer

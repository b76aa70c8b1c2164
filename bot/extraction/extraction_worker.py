"""The text of one file, by libraries, within limits that the system keeps.

`python -m bot.extraction.extraction_worker KIND CHARACTERS` reads stdin and writes JSON. Only
`bot.extraction.extraction` starts it.
"""

import io
import json
import resource
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import asdict

from docx import Document
from docx.table import Table
from pypdf import PdfReader

from bot.extraction.extraction import MOST_BYTES, SECONDS, Text, Unreadable

MEMORY = 1_500_000_000  # Bytes of address space; lxml and pypdf alone map half a gigabyte.
UNPACKED = 100_000_000
PAGES = 500
MARKS = (b"\xff\xfe", b"\xfe\xff")
ENCODINGS = ("utf-8-sig", "utf-16")


def main() -> None:
    """One file, from stdin to stdout."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (int(SECONDS), int(SECONDS)))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    kind, limit = sys.argv[1], int(sys.argv[2])
    try:
        told = asdict(cut(pieces_of(kind, sys.stdin.buffer.read(MOST_BYTES + 1)), limit))
    except Unreadable as unreadable:
        told = {"reason": unreadable.reason}
    json.dump(told, sys.stdout)


def pieces_of(kind: str, data: bytes) -> Iterator[str]:
    """The file's text, piece by piece, each a line or more."""
    if kind == "docx":
        yield from _of_word(data)
    elif kind == "pdf":
        yield from _of_pdf(data)
    else:
        yield _decoded(data)


def cut(pieces: Iterator[str], limit: int) -> Text:
    """The first `limit` characters; what is over is counted, not kept."""
    kept: list[str] = []
    length = over = 0
    for piece in pieces:
        line = piece.strip() if not kept else f"\n{piece.rstrip()}"
        room = max(limit - length, 0)
        kept.append(line[:room])
        length += len(line[:room])
        over += len(line) - len(line[:room])
    return Text("".join(kept), over)


def _decoded(data: bytes) -> str:
    """Text says nowhere in which encoding it is: the first that fits."""
    if b"\0" in data and data[:2] not in MARKS:
        raise Unreadable("broken")
    for encoding in ENCODINGS:
        # Every even number of bytes is UTF-16: only its mark tells.
        if encoding == "utf-16" and data[:2] not in MARKS:
            continue
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    return _decoded_by_script(data)


def _decoded_by_script(data: bytes) -> str:
    """Nearly all bytes are letters in GB 18030, too: it is that where they are common ones."""
    western = data.decode("cp1252", "replace")
    try:
        chinese = data.decode("gb18030")
    except UnicodeDecodeError:
        return western
    wide = [character for character in chinese if ord(character) > 0x7F]
    # Common ideograms stand in the first level of GB 2312, by their reading: 0xB0A1 to 0xD7F9.
    common = [c for c in wide if b"\xb0\xa1" <= c.encode("gb18030") <= b"\xd7\xf9"]
    return chinese if len(common) > len(wide) / 2 else western


def _of_word(data: bytes) -> Iterator[str]:
    with zipfile.ZipFile(io.BytesIO(data)) as packed:
        if sum(entry.file_size for entry in packed.infolist()) > UNPACKED:
            raise Unreadable("size")
    for block in Document(io.BytesIO(data)).iter_inner_content():
        if isinstance(block, Table):
            for row in block.rows:
                yield " | ".join(cell.text for cell in row.cells)
        else:
            yield block.text


def _of_pdf(data: bytes) -> Iterator[str]:
    reader = PdfReader(io.BytesIO(data))
    if len(reader.pages) > PAGES:
        raise Unreadable("size")
    for page in reader.pages:
        yield page.extract_text()


if __name__ == "__main__":
    main()

"""The process that reads one file with parsers, within limits that the system enforces.

`python -m bot.extraction.extraction_worker KIND CHARACTERS` reads stdin and writes JSON. Only
`bot.extraction.extraction` starts it.
"""

import io
import json
import resource
import sys
import zipfile
from collections.abc import Iterator

from docx import Document
from docx.table import Table
from pypdf import PdfReader

from bot.extraction.extraction import MOST_BYTES, SECONDS, Unreadable
from bot.extraction.front_matter import without_front_matter

MEMORY = 1_500_000_000  # Bytes of address space; lxml and pypdf alone map half a gigabyte.
UNPACKED = 100_000_000
PAGES = 500
UTF_16_MARKS = (b"\xff\xfe", b"\xfe\xff")


def main() -> None:
    """Read one file from stdin and write its text, or why there is none, to stdout."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (int(SECONDS), int(SECONDS)))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    kind, limit = sys.argv[1], int(sys.argv[2])
    try:
        text, left_out = cut(pieces_of(kind, sys.stdin.buffer.read(MOST_BYTES + 1)), limit)
        json.dump({"text": text, "left_out": left_out}, sys.stdout)
    except Unreadable as unreadable:
        json.dump({"reason": unreadable.reason}, sys.stdout)


def pieces_of(kind: str, data: bytes) -> Iterator[str]:
    """Yield the file's text in pieces of a line or more."""
    if kind == "docx":
        yield from _read_word(data)
    elif kind == "pdf":
        yield from _read_pdf(data)
    else:
        yield without_front_matter(_decode(data))


def cut(pieces: Iterator[str], limit: int) -> tuple[str, int]:
    """Keep the first `limit` characters, and count the others."""
    kept: list[str] = []
    length = over = 0
    for piece in pieces:
        line = piece.strip() if not kept else f"\n{piece.rstrip()}"
        room = max(limit - length, 0)
        kept.append(line[:room])
        length += len(line[:room])
        over += len(line) - len(line[:room])
    return "".join(kept), over


def _decode(data: bytes) -> str:
    """Decode text, which names its encoding nowhere, by the first encoding that fits."""
    # Every even number of bytes is valid UTF-16: only its mark shows it.
    if data[:2] in UTF_16_MARKS:
        encoding = "utf-16"
    elif b"\0" in data:
        raise Unreadable("broken")
    else:
        encoding = "utf-8-sig"
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        return _decode_by_script(data)


def _decode_by_script(data: bytes) -> str:
    """Choose GB 18030 if its characters are common ones: nearly all bytes are valid in it.

    charset-normalizer takes short texts in GB 18030 for Korean, and Windows-1252 for 1250.
    """
    western = data.decode("cp1252", "replace")
    try:
        chinese = data.decode("gb18030")
    except UnicodeDecodeError:
        return western
    wide = [character for character in chinese if ord(character) > 0x7F]
    # Common ideograms are in the first level of GB 2312: 0xB0A1 to 0xD7F9.
    common = [c for c in wide if b"\xb0\xa1" <= c.encode("gb18030") <= b"\xd7\xf9"]
    return chinese if len(common) > len(wide) / 2 else western


def _read_word(data: bytes) -> Iterator[str]:
    with zipfile.ZipFile(io.BytesIO(data)) as packed:
        if sum(entry.file_size for entry in packed.infolist()) > UNPACKED:
            raise Unreadable("size")
    for block in Document(io.BytesIO(data)).iter_inner_content():
        if isinstance(block, Table):
            for row in block.rows:
                yield " | ".join(cell.text for cell in row.cells)
        else:
            yield block.text


def _read_pdf(data: bytes) -> Iterator[str]:
    reader = PdfReader(io.BytesIO(data))
    if len(reader.pages) > PAGES:
        raise Unreadable("size")
    for page in reader.pages:
        yield page.extract_text()


if __name__ == "__main__":
    main()

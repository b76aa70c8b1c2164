"""The lines of the audit log hold together: what is done to them without the key is seen."""

import asyncio
import json
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import SecretStr

from safety import AuditError, AuditLog, Filter, Stage, load_policy
from safety.audit.hash_chain import ChainError, ChainHead, HashChain

KEY = SecretStr("a key for the audit of tests")
FILTER = Filter(load_policy(None))


def write(path: Path, count: int, first: int = 0, key: SecretStr = KEY) -> ChainHead:
    """Judge so many texts, and return the head."""
    audit = AuditLog(path, key)
    FILTER.audit = audit

    async def judge() -> None:
        for number in range(first, first + count):
            await FILTER.judge(f"text {number}", Stage.INPUT, request=f"r{number}", who="U1")

    try:
        asyncio.run(judge())
        return audit.head()
    finally:
        FILTER.audit = None
        audit.close()


def troubles(path: Path, kept: ChainHead | None = None, key: SecretStr = KEY) -> list[str]:
    with path.open("rb") as file:
        return list(HashChain(key).troubles(file, kept))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    written = tmp_path / "audit.jsonl"
    write(written, 6)
    return written


def test_a_log_as_it_was_written_holds_together_over_every_start(path: Path) -> None:
    head = write(path, 3, first=6)
    assert head.line == 9
    assert troubles(path) == troubles(path, head) == []
    assert [json.loads(line)["line"] for line in path.open()] == list(range(1, 10))


def test_an_empty_log_holds_together(tmp_path: Path) -> None:
    assert write(tmp_path / "new", 0) == ChainHead()
    assert troubles(tmp_path / "new") == []


def _changed(lines: list[str]) -> list[str]:
    return [*lines[:2], lines[2].replace('"U1"', '"U2"'), *lines[3:]]


def _renumbered(lines: list[str]) -> list[str]:
    return [line.replace(f'"line": {n}', f'"line": {n - 1}') for n, line in enumerate(lines, 1)]


TAMPERED: dict[str, Callable[[list[str]], list[str]]] = {
    "changed": _changed,
    "changed in its link": lambda lines: [
        *lines[:2],
        lines[2][:-8] + ("0" if lines[2][-8] != "0" else "1") + lines[2][-7:],
        *lines[3:],
    ],
    "taken out": lambda lines: [*lines[:2], *lines[3:]],
    "taken from the beginning": lambda lines: lines[1:],
    "changed at the end": lambda lines: _changed(lines[:3]),
    "moved": lambda lines: [*lines[:2], lines[3], lines[2], *lines[4:]],
    "repeated": lambda lines: [*lines[:3], *lines[2:]],
    "made up": lambda lines: [*lines[:3], lines[2].replace("r2", "r9"), *lines[3:]],
    "overwritten": lambda lines: [*lines[:2], "x" * 40 + "\n", *lines[3:]],
    "cut off": lambda lines: [*lines[:5], lines[5][:40]],
    "taken out and numbered anew": lambda lines: [*lines[:2], *_renumbered(lines)[3:]],
}


def test_a_line_of_another_log_does_not_fit(path: Path, tmp_path: Path) -> None:
    write(tmp_path / "other", 6, first=10)
    mine, others = path.read_text().splitlines(True), (tmp_path / "other").read_text()
    path.write_text("".join([*mine[:3], *others.splitlines(True)[3:]]))
    assert len(troubles(path)) == 1


@pytest.mark.parametrize("tamper", TAMPERED.values(), ids=TAMPERED)
def test_what_is_done_to_a_line_is_seen_and_stays_seen(
    path: Path, tamper: Callable[[list[str]], list[str]]
) -> None:
    lines = path.read_text().splitlines(keepends=True)
    tampered = tamper(list(lines))
    assert tampered != lines
    path.write_text("".join(tampered))
    assert troubles(path)
    write(path, 2, first=6)
    assert troubles(path)


def test_a_missing_end_is_seen_by_a_head_that_was_kept_elsewhere(path: Path) -> None:
    kept = write(path, 0)
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[:4]))
    assert troubles(path) == []
    assert troubles(path, kept) == ["The log has 4 lines and once had 6: its end is missing."]
    write(path, 4, first=10)
    assert troubles(path) == []
    (seen,) = troubles(path, kept)
    assert seen == "Line 6 is not the one whose head was kept: the log was rewritten."


def test_who_does_not_have_the_key_cannot_go_on_with_the_log(path: Path) -> None:
    other = SecretStr("another key for the audit")
    write(path, 1, key=other)
    assert len(troubles(path)) == 1
    assert len(troubles(path, key=other)) == 6


def test_nobody_gets_a_link_by_choosing_the_text_that_is_judged(path: Path) -> None:
    """The digest of a text and a link are made with different keys."""
    lines = path.read_bytes().splitlines(keepends=True)
    head = json.loads(lines[4])
    before = f"{head['line']}:{head['link']} 0\n"
    text = before + lines[5].decode().rpartition(', "link": ')[0]
    audit = AuditLog(path, KEY)
    assert audit.digest(text) != json.loads(lines[5])["link"]
    audit.close()


def test_a_line_torn_by_a_crash_is_named_and_the_log_goes_on(path: Path) -> None:
    with path.open("a") as file:
        file.write('{"time": "2026-')
    write(path, 2, first=6)
    (named,) = troubles(path)
    assert named.startswith("Before line 8 stands no whole line")
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:6], b'{"time": "2025-\n', *lines[7:]]))
    assert len(troubles(path)) == 2


def test_a_file_that_is_no_log_is_not_gone_on_with(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    path.write_text('{"time": "before there were links"}\n' * 4000)
    with pytest.raises(AuditError, match="move it away, to begin anew"):
        AuditLog(path, KEY)


def test_several_logs_and_threads_on_one_file_make_one_chain(path: Path) -> None:
    logs = [AuditLog(path, KEY) for _ in range(3)]
    together = threading.Barrier(6)

    def append(log: AuditLog) -> None:
        together.wait()
        for _ in range(50):
            log._append("{}")

    threads = [threading.Thread(target=append, args=(log,)) for log in logs * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert logs[0].head().line == 6 + 300
    assert troubles(path) == []
    for log in logs:
        log.close()


@pytest.mark.parametrize("text", ["", "6", "6:abc", "0:" + "0" * 64, "x:" + "0" * 64])
def test_a_head_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ChainError, match="a number, a colon, a link"):
        ChainHead.parse(text)


def test_a_head_is_read_as_it_is_written(path: Path) -> None:
    head = write(path, 0)
    assert ChainHead.parse(f" {head}\n") == head

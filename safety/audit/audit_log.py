"""The audit log: who was judged, when, by which rule, and what was done; never the text.

Each entry is a line of JSON. It holds an HMAC of the text, so that whoever has the key and the text
can show that the line is about it. Each line ends with a link to the line before it (`hash_chain`).
"""

import asyncio
import fcntl
import hashlib
import hmac
import json
import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import structlog
from pydantic import SecretStr

from safety.audit.hash_chain import ChainError, ChainHead, HashChain, end_of
from safety.errors import OperatorError
from safety.verdict import Stage, Verdict, refusal

log = structlog.get_logger(__name__)

FRESH = 60.0
"""Seconds for which a line that could be written shows that the next one can be."""


class AuditError(OperatorError):
    """The audit log cannot be used."""


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the log, in the order of its keys."""

    time: str = field(default_factory=_now)
    request: str
    who: str
    stage: str
    action: str
    complete: bool = True
    categories: Sequence[str] = ()
    rules: Sequence[str] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    policy: str = ""
    latency_ms: float = 0.0
    hmac: str = ""


class AuditLog:
    """An append-only file. Lines of several processes do not mix: each is written under a lock."""

    def __init__(self, path: Path, key: SecretStr) -> None:
        if len(key.get_secret_value()) < 16:
            raise AuditError("The audit key is too short: give at least 16 characters.")
        self._key = key
        self._chain = HashChain(key)
        self._lock = threading.Lock()
        self._fresh_until = 0.0
        try:
            self._file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        except OSError as error:
            raise AuditError(
                f"The audit log {path} cannot be opened ({error.strerror}): "
                "check that its folder is there and can be written."
            ) from None
        try:
            self.head()
        except ChainError:
            raise AuditError(
                f"The audit log {path} does not end in linked lines: move it away, to begin anew."
            ) from None

    async def write(self, entry: Entry) -> None:
        """Append a line, off the event loop. Raises OSError if it cannot be written whole."""
        await asyncio.to_thread(self._append, json.dumps(asdict(entry), ensure_ascii=True))

    def digest(self, text: str) -> str:
        """Return the HMAC-SHA256 (RFC 2104) of a text, hexadecimal."""
        key = self._key.get_secret_value().encode()
        return hmac.new(key, text.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()

    def head(self) -> ChainHead:
        """Return the place of the last line in the chain. Raises OSError, ChainError."""
        with self._locked():
            return end_of(self._file).head

    async def check(self) -> None:
        """Write a line of health, unless one was written lately. Raises OSError, ChainError."""
        if time.monotonic() < self._fresh_until:
            await asyncio.to_thread(self.head)
        else:
            await self.write(Entry(request="health", who="", stage="", action="health"))

    def close(self) -> None:
        os.close(self._file)

    def _append(self, entry: str) -> None:
        self._fresh_until = 0.0
        with self._locked():
            try:
                line = self._chain.append(entry, end_of(self._file))
            except ChainError as error:
                raise OSError(str(error)) from None
            if os.write(self._file, line) != len(line):
                raise OSError("short write")
            self._fresh_until = time.monotonic() + FRESH

    @contextmanager
    def _locked(self) -> Iterator[None]:
        # The lock on the file is between processes, and the other between threads.
        with self._lock:
            fcntl.flock(self._file, fcntl.LOCK_EX)
            try:
                yield
            finally:
                fcntl.flock(self._file, fcntl.LOCK_UN)


Heard = Callable[[Stage, Verdict], None]
"""What hears each verdict, once it is written down."""


@dataclass(frozen=True, slots=True)
class AuditTrail:
    """The entries about one text: for whom it is judged, and since when."""

    audit: AuditLog | None
    stage: Stage
    request: str
    who: str
    heard: Heard | None = None
    began: float = field(default_factory=time.perf_counter)

    async def close(self, verdict: Verdict, text: str, *, complete: bool = True) -> Verdict:
        """Write the verdict down and return it, or a block if it cannot be written."""
        try:
            await self._record(verdict, text, complete)
        except OSError as error:
            log.error("audit_error", cause=type(error).__name__, errno=error.errno)
            verdict = refusal("audit_error", verdict.policy)
        if self.heard:
            self.heard(self.stage, verdict)
        return verdict

    async def open(self, policy: str) -> None:
        """Write down that a draft begins, before any of it is shown. Raises OSError."""
        await self._write("opened", policy=policy, complete=False)

    async def note(self, decision: str, categories: Iterable[str], policy: str) -> None:
        """Write down what a person decided. Raises OSError."""
        await self._write(decision, policy=policy, categories=sorted(categories))

    async def saved(self, text: str, policy: str) -> None:
        """Write down that a person saved a text that others will write by. Raises OSError."""
        digest = self.audit.digest(text) if self.audit else ""
        await self._write("saved", policy=policy, hmac=digest)

    async def _record(self, verdict: Verdict, text: str, complete: bool) -> None:
        counts = Counter(finding.category for finding in verdict.findings)
        await self._write(
            verdict.action,
            complete=complete,
            categories=sorted(counts),
            rules=verdict.rules,
            counts=dict(sorted(counts.items())),
            policy=verdict.policy,
            latency_ms=round((time.perf_counter() - self.began) * 1000, 3),
            hmac=self.audit.digest(text) if self.audit else "",
        )

    async def _write(self, action: str, **about: Any) -> None:
        if self.audit is not None:
            entry = Entry(
                request=self.request, who=self.who, stage=self.stage, action=action, **about
            )
            await self.audit.write(entry)

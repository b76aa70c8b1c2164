"""Who was judged, when, by which rule, and what was done: one line of JSON each, never the text.

The text is there as an HMAC: whoever has the key and the text can show that a line is about it.
"""

import asyncio
import hashlib
import hmac
import json
import os
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import structlog
from pydantic import SecretStr

from safety.verdict import Stage, Verdict, refusal

log = structlog.get_logger(__name__)


class AuditError(RuntimeError):
    """The audit log cannot be used. The message is one sentence."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the log."""

    time: str
    request: str
    who: str
    stage: str
    action: str
    complete: bool
    categories: list[str]
    rules: list[str]
    counts: dict[str, int]
    policy: str
    latency_ms: float
    hmac: str


class AuditLog:
    """An append-only file. Lines of several processes do not mix: each is one write."""

    def __init__(self, path: Path, key: SecretStr) -> None:
        if len(key.get_secret_value()) < 16:
            raise AuditError("The audit key is too short: give at least 16 characters.")
        self._key = key
        try:
            self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        except OSError as error:
            raise AuditError(
                f"The audit log {path} cannot be opened ({error.strerror}): "
                "check that its folder is there and can be written."
            ) from None

    async def write(self, entry: Entry) -> None:
        """Appends a line, off the event loop. Raises OSError where it cannot be written whole."""
        line = json.dumps(asdict(entry), ensure_ascii=True) + "\n"
        await asyncio.to_thread(self._append, line.encode())

    def digest(self, text: str) -> str:
        """HMAC-SHA256 (RFC 2104) of a text, hexadecimal."""
        key = self._key.get_secret_value().encode()
        return hmac.new(key, text.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()

    def close(self) -> None:
        os.close(self._file)

    def _append(self, line: bytes) -> None:
        if os.write(self._file, line) != len(line):
            raise OSError("short write")


@dataclass(frozen=True, slots=True)
class Case:
    """One text under judgement: for whom, since when, and where the verdict is written down."""

    audit: AuditLog | None
    stage: Stage
    request: str
    who: str
    began: float = field(default_factory=time.perf_counter)

    async def close(self, verdict: Verdict, text: str, *, complete: bool = True) -> Verdict:
        """Writes the verdict down. One that cannot be written does not count: it is a block."""
        if self.audit is None:
            return verdict
        try:
            await self.audit.write(self._entry(verdict, self.audit.digest(text), complete))
        except OSError as error:
            log.error("audit_error", cause=type(error).__name__, errno=error.errno)
            return refusal("audit_error", verdict.policy)
        return verdict

    async def note(self, decision: str, categories: Sequence[str], *, policy: str) -> None:
        """Writes down what a person decided. Raises OSError."""
        if self.audit is None:
            return
        await self.audit.write(
            Entry(
                time=datetime.now(UTC).isoformat(timespec="milliseconds"),
                request=self.request,
                who=self.who,
                stage=self.stage,
                action=decision,
                complete=True,
                categories=sorted(categories),
                rules=[],
                counts={},
                policy=policy,
                latency_ms=0.0,
                hmac="",
            )
        )

    def _entry(self, verdict: Verdict, digest: str, complete: bool) -> Entry:
        counts = Counter(finding.category for finding in verdict.findings)
        return Entry(
            time=datetime.now(UTC).isoformat(timespec="milliseconds"),
            request=self.request,
            who=self.who,
            stage=self.stage,
            action=verdict.action,
            complete=complete,
            categories=sorted(counts),
            rules=list(verdict.rules),
            counts=dict(sorted(counts.items())),
            policy=verdict.policy,
            latency_ms=round((time.perf_counter() - self.began) * 1000, 3),
            hmac=digest,
        )

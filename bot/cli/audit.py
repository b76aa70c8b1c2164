"""`draftsmith audit verify`: whether the audit log is as it was written."""

import sys
from pathlib import Path

from pydantic import SecretStr

from bot.settings import Settings
from safety import AuditError
from safety.audit.hash_chain import ChainError, ChainHead, HashChain

TROUBLE, WRONG = 1, 2


async def verify(settings: Settings, file: Path | None, head: str | None) -> int:
    """The exit code: 0 it is, 1 it is not (sentences say where), 2 it cannot be said."""
    path = file or settings.data_dir / "audit.jsonl"
    try:
        kept = ChainHead.parse(head) if head else None
        with path.open("rb") as log:
            troubles = list(HashChain(_key(settings)).troubles(log, kept))
    except (AuditError, ChainError) as wrong:
        print(wrong, file=sys.stderr)
        return WRONG
    except OSError as error:
        print(f"{path} cannot be read ({error.strerror}): check the path.", file=sys.stderr)
        return WRONG
    print("\n".join(troubles) or _well(path, kept))
    return TROUBLE if troubles else 0


def _well(path: Path, kept: ChainHead | None) -> str:
    if kept:
        return f"{path} is as it was written."
    return f"{path} is as it was written, but for lines that may miss at its end: add --head."


def _key(settings: Settings) -> SecretStr:
    """The key as it is; none is made, as nothing could be verified with a new one."""
    if settings.audit_key:
        return settings.audit_key
    path = settings.data_dir / "audit.key"
    try:
        return SecretStr(path.read_text("ascii").strip())
    except OSError:
        raise AuditError(f"There is no {path}: set AUDIT_KEY, or DATA_DIR.") from None
    except UnicodeDecodeError:
        raise AuditError(
            f"{path} holds no key that the bot made: put it back from a backup, or set AUDIT_KEY."
        ) from None

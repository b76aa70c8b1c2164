"""`draftsmith audit verify`: whether the audit log is as it was written."""

from pathlib import Path

from pydantic import SecretStr

from bot.errors import OperatorError
from bot.settings import Settings
from safety.audit.hash_chain import ChainHead, HashChain

TROUBLE = 1


async def verify(settings: Settings, file: Path | None, head: str | None) -> int:
    """Print what was changed in the log, and return the exit code: 0 nothing, 1 something.

    Raises OperatorError if the log cannot be verified.
    """
    path = file or settings.data_dir / "audit.jsonl"
    kept = ChainHead.parse(head) if head else None
    try:
        with path.open("rb") as log:
            troubles = list(HashChain(_key(settings)).troubles(log, kept))
    except OSError as error:
        raise OperatorError(f"{path} cannot be read ({error.strerror}): check the path.") from None
    print("\n".join(troubles) or _well(path, kept))
    return TROUBLE if troubles else 0


def _well(path: Path, kept: ChainHead | None) -> str:
    if kept:
        return f"{path} is as it was written."
    return f"{path} is as it was written, but for lines that may miss at its end: add --head."


def _key(settings: Settings) -> SecretStr:
    """Return the key. Make none: with a new one nothing could be verified."""
    if settings.audit_key:
        return settings.audit_key
    path = settings.data_dir / "audit.key"
    try:
        return SecretStr(path.read_text("ascii").strip())
    except OSError:
        raise OperatorError(f"There is no {path}: set AUDIT_KEY, or DATA_DIR.") from None
    except UnicodeDecodeError:
        raise OperatorError(
            f"{path} holds no key that the bot made: put it back from a backup, or set AUDIT_KEY."
        ) from None

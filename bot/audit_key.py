"""The key of the audit log's digests: given, or made once and kept beside the log."""

import os
import secrets
from pathlib import Path

from pydantic import SecretStr

from bot.settings import Settings


def audit_key(settings: Settings) -> SecretStr:
    """Return AUDIT_KEY, or the key in DATA_DIR, which is made if it is not there."""
    return settings.audit_key or _kept(settings.data_dir / "audit.key")


def _kept(path: Path) -> SecretStr:
    try:
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        # A damaged key is another key: `draftsmith audit verify` will say that nothing links.
        return SecretStr(path.read_text(encoding="utf-8", errors="replace").strip())
    with os.fdopen(file, "w", encoding="ascii") as handle:
        handle.write(secrets.token_hex(32))
    return SecretStr(path.read_text(encoding="ascii").strip())

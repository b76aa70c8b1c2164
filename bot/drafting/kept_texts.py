"""What people typed and could not send: kept for a day, encrypted, for the form that repairs it."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from bot.encryption import Encryption
from bot.store import Store


@dataclass(frozen=True, slots=True)
class KeptText:
    """A typed text and where it belongs.

    `under`: the ts of the message that is to be the root of a new thread, `among_others` and
    `post_to` as the thread has them; `sources`: keys of what the message brought; `version`: the
    draft that the text wants changed.
    """

    text: str
    under: str | None = None
    among_others: bool = False
    post_to: str | None = None
    sources: Sequence[str] = ()
    version: int | None = None


class KeptTexts:
    """Texts by their keys. Only whoever typed one gets it back. Raises StoreUnavailable."""

    def __init__(self, store: Store, encryption: Encryption) -> None:
        self._store = store
        self._encryption = encryption

    async def keep(self, kept: KeptText, owner: str, request: str) -> str:
        """Keep a text, and return its key: the same for each delivery of a `request`."""
        key = hashlib.sha256(request.encode()).hexdigest()[:40]
        sealed = self._encryption.encrypt(json.dumps(asdict(kept)))
        await self._store.keep_text(key, owner, sealed)
        return key

    async def find(self, key: str, owner: str) -> KeptText | None:
        """Return the text of this key, if it is this person's and still kept."""
        sealed = await self._store.find_kept_text(key, owner)
        opened = self._encryption.decrypt(sealed) if sealed else None
        return KeptText(**json.loads(opened)) if opened else None

    async def drop(self, key: str) -> None:
        """Forget a text that was sent."""
        await self._store.drop_kept_text(key)

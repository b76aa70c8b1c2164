"""Encryption of what is kept for a while and read by few."""

import base64

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from pydantic import SecretStr


class Encryption:
    """Fernet, with a key that is derived from a secret (HKDF, RFC 5869).

    https://cryptography.io/en/latest/fernet/
    """

    def __init__(self, secret: SecretStr, purpose: str) -> None:
        """Derive the key. Another `purpose` of the same secret has another key."""
        derive = HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose.encode())
        key = derive.derive(secret.get_secret_value().encode())
        self._fernet = Fernet(base64.urlsafe_b64encode(key))

    def encrypt(self, text: str) -> str:
        """Return the text, encrypted, as ASCII."""
        return self._fernet.encrypt(text.encode("utf-8", "surrogatepass")).decode()

    def decrypt(self, encrypted: str) -> str | None:
        """Return the text; None if it was changed, or encrypted with another secret."""
        try:
            return self._fernet.decrypt(encrypted).decode("utf-8", "surrogatepass")
        except InvalidToken:
            return None

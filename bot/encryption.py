"""Encryption of what is kept for a while and read by few."""

import base64

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from pydantic import SecretStr


class Encryption:
    """Closes and opens texts by Fernet, whose key is derived from a secret (HKDF, RFC 5869).

    https://cryptography.io/en/latest/fernet/
    """

    def __init__(self, secret: SecretStr, purpose: str) -> None:
        """`purpose` makes the key another one than that of any other use of the secret."""
        derive = HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose.encode())
        key = derive.derive(secret.get_secret_value().encode())
        self._fernet = Fernet(base64.urlsafe_b64encode(key))

    def close(self, text: str) -> str:
        """The text, encrypted, as ASCII."""
        return self._fernet.encrypt(text.encode("utf-8", "surrogatepass")).decode()

    def open(self, sealed: str) -> str | None:
        """The text; None where it was changed, or sealed with another secret."""
        try:
            return self._fernet.decrypt(sealed).decode("utf-8", "surrogatepass")
        except InvalidToken:
            return None

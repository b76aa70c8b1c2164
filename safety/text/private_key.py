"""Private keys as they are written, for the rule that finds them and for the borders of a text."""

import re

# RFC 7468 and OpenSSH, PuTTY's and PGP's header lines, newlines also as the escapes of JSON.
KEY_HEADER = r"-----BEGIN (?:[A-Z0-9]{1,20} ){0,3}PRIVATE KEY(?: BLOCK)?-----"
KEY_LINES = (
    r"(?:\s|\\[nr])*+(?:[A-Za-z-]{2,20}: [^\n]{0,100}(?:\n\s*+|\Z)){0,4}"
    r"(?:[A-Za-z0-9+/=]{16,}(?:\s|\\[nr])*+)"
)
KEY_END = r"(?:[A-Za-z0-9+/=\s]{0,24}-----END [A-Z0-9 ]{1,60}-----)?"
PRIVATE_KEY = re.compile(f"{KEY_HEADER}{KEY_LINES}++{KEY_END}")
OPEN_PRIVATE_KEY = re.compile(
    r"-----BEGIN [A-Z0-9 ]{0,80}\Z"
    rf"|{KEY_HEADER}{KEY_LINES}*+[A-Za-z0-9+/=]{{0,24}}\s*(?:-----END [A-Z0-9 ]{{0,60}})?\Z"
)
"""Matches from the header of a private key to the text's end while the key may still go on."""

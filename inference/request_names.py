"""Names of requests: what all lines of the logs about one request have in common.

A client gives a name by the header X-Request-Id, or the request gets one; it is sent back.
"""

import re
import secrets

import structlog

HEADER = "X-Request-Id"
KEY = "request"
NAME = re.compile(r"[A-Za-z0-9._:-]{1,64}")


def name_of(given: object) -> str:
    """Return the name that a client gives, if it is a plain one; else a new one."""
    is_plain = isinstance(given, str) and NAME.fullmatch(given)
    return str(given) if is_plain else secrets.token_hex(8)


def present_name() -> str:
    """Return the name of the request that this task works for; "" for none."""
    return str(structlog.contextvars.get_contextvars().get(KEY, ""))

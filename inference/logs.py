"""Logs and reports of crashes, to stderr, without a text that anybody wrote. No torch here.

The bot's and the worker's.
"""

import logging
import sys
import threading
import traceback
from typing import Literal

import structlog


def where(error: BaseException) -> str:
    """An error's type and place, without its text: that may hold what somebody wrote."""
    frames = traceback.extract_tb(error.__traceback__)
    at = f" at {frames[-1].filename}:{frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}{at}"


def _without_texts(
    _: object, __: str, event: structlog.types.EventDict
) -> structlog.types.EventDict:
    """An exception's text and its locals may hold what somebody wrote, or a token."""
    if info := event.pop("exc_info", None):
        given = info[1] if isinstance(info, tuple) else info
        error = given if isinstance(given, BaseException) else sys.exception()
        event["error"] = where(error) if error else None
    return event


def _without_messages(
    _: object, __: str, event: structlog.types.EventDict
) -> structlog.types.EventDict:
    """What a library says may quote what it was given: where it says so tells what it is."""
    record: logging.LogRecord = event["_record"]
    event.pop("stack_info", None)
    return {**event, "event": record.name, "at": f"{record.pathname}:{record.lineno}"}


def configure(style: Literal["console", "json"], level: int = logging.INFO) -> None:
    """One form for our own events and those of the libraries (theirs from warnings on)."""
    stamps: list[structlog.types.Processor] = [
        _without_texts,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: structlog.types.Processor = (
        structlog.processors.JSONRenderer()
        if style == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[*stamps, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processor=renderer, foreign_pre_chain=[_without_messages, *stamps]
        )
    )
    logging.basicConfig(handlers=[handler], level=max(level, logging.WARNING), force=True)
    # Of a message that does not fit its arguments Python would print both.
    logging.raiseExceptions = False


def guard_crashes() -> None:
    """What ends the process or a thread, or cannot be raised, is told without its text as well."""
    sys.excepthook = lambda _, error, __: _tell(error)
    threading.excepthook = lambda crash: _tell(crash.exc_value)
    sys.unraisablehook = lambda crash: _tell(crash.exc_value)


def _tell(error: BaseException | None) -> None:
    """An error and what led to it, each by the lines of code and its type."""
    told: list[str] = []
    while error is not None:
        lines = traceback.format_tb(error.__traceback__)
        told[:0] = ["Traceback (most recent call last):\n", *lines, f"{type(error).__name__}\n"]
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    sys.stderr.write("".join(told))

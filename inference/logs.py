"""Logs and crash reports of the bot and the worker, to stderr. No torch here.

They never hold a text that somebody wrote, nor the text of an error, which may quote one.
"""

import logging
import sys
import threading
import traceback
from typing import Literal

import structlog


def where(error: BaseException) -> str:
    """Return the type and the place of an error, without its text."""
    frames = traceback.extract_tb(error.__traceback__)
    at = f" at {frames[-1].filename}:{frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}{at}"


def _without_texts(
    _: object, __: str, event: structlog.types.EventDict
) -> structlog.types.EventDict:
    """Replace an exception by its type and place: the rest may hold a token or somebody's text."""
    if info := event.pop("exc_info", None):
        given = info[1] if isinstance(info, tuple) else info
        error = given if isinstance(given, BaseException) else sys.exception()
        event["error"] = where(error) if error else None
    return event


def _without_messages(
    _: object, __: str, event: structlog.types.EventDict
) -> structlog.types.EventDict:
    """Replace what a library says by where it says so: it may quote what it was given."""
    record: logging.LogRecord = event["_record"]
    event.pop("stack_info", None)
    return {**event, "event": record.name, "at": f"{record.pathname}:{record.lineno}"}


def configure(style: Literal["console", "json"], level: int = logging.INFO) -> None:
    """Log our events and those of libraries (from warnings on) in one form."""
    stamps: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
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
    # If a message does not fit its arguments, Python would print both.
    logging.raiseExceptions = False


def guard_crashes() -> None:
    """Report what ends the process or a thread, or cannot be raised, without its text as well."""
    sys.excepthook = lambda _, error, __: _report(error)
    threading.excepthook = lambda crash: _report(crash.exc_value)
    sys.unraisablehook = lambda crash: _report(crash.exc_value)


def _report(error: BaseException | None) -> None:
    """Write an error and those that led to it, each by its type and its lines of code."""
    report: list[str] = []
    while error is not None:
        lines = traceback.format_tb(error.__traceback__)
        report[:0] = ["Traceback (most recent call last):\n", *lines, f"{type(error).__name__}\n"]
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    sys.stderr.write("".join(report))

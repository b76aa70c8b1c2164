"""Logs: structured, to stderr, without a text that anybody wrote."""

import logging
import sys
from typing import Literal

import structlog


def _without_texts(
    _: object, __: str, event: structlog.types.EventDict
) -> structlog.types.EventDict:
    """An exception's text and its locals may hold what somebody wrote, or a token."""
    if info := event.pop("exc_info", None):
        error = info[1] if isinstance(info, tuple) else info
        event["error"] = type(error).__name__
    return event


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
        structlog.stdlib.ProcessorFormatter(processor=renderer, foreign_pre_chain=stamps)
    )
    logging.basicConfig(handlers=[handler], level=max(level, logging.WARNING), force=True)

"""Traces of bot and worker by OpenTelemetry, where OTEL_EXPORTER_OTLP_ENDPOINT is set.

The libraries' own instrumentation makes the spans, and sends the trace along by HTTP headers. What
leaves the process is a list of harmless attributes: addresses of Slack's are secrets, and errors
quote texts.
"""

import importlib.util
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from inference.errors import OperatorError

if TYPE_CHECKING:
    import aiohttp
    from opentelemetry.trace import Span

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
NEEDED = (
    "opentelemetry.sdk.trace",
    "opentelemetry.exporter.otlp.proto.http",
    "opentelemetry.instrumentation.aiohttp_client",
    "opentelemetry.instrumentation.aiohttp_server",
    "opentelemetry.instrumentation.sqlalchemy",
)
# Of all addresses that are asked for, only these are no secret: Slack's methods and the worker's.
PLAIN_PATH = re.compile(r"/(api/[a-z]+(\.[A-Za-z]+)+|v1/[a-z/]+)")
UNTRACED = "/health/,/metrics"


class TelemetryMissing(OperatorError):
    """Traces are wanted, and the libraries for them are not installed."""


def start(service: str) -> None:
    """Send traces from now on, if an endpoint is set. Raises TelemetryMissing.

    SQLAlchemy is traced only where it is imported from later on.
    """
    if not os.environ.get(ENDPOINT):
        return
    if not all(map(_is_installed, NEEDED)):
        raise TelemetryMissing(
            f"{ENDPOINT} is set, and the libraries for traces are not installed: install "
            "draftsmith[otel], or take the setting away."
        )
    os.environ.setdefault("OTEL_PYTHON_AIOHTTP_SERVER_EXCLUDED_URLS", UNTRACED)
    _instrument(service)


@contextmanager
def span(name: str, **attributes: str) -> Iterator[None]:
    """Do what is inside as one span of a trace, if there are traces."""
    if not os.environ.get(ENDPOINT):
        yield
        return
    from opentelemetry import trace  # noqa: PLC0415 -- an extra may be without it.

    tracer = trace.get_tracer("draftsmith")
    with tracer.start_as_current_span(
        name, attributes=attributes, record_exception=False, set_status_on_exception=False
    ):
        yield


def _is_installed(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def _instrument(service: str) -> None:
    # All of these are an extra.
    from opentelemetry import trace  # noqa: PLC0415
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415
        OTLPSpanExporter,
    )
    from opentelemetry.instrumentation.aiohttp_client import AioHttpClientInstrumentor  # noqa: PLC0415
    from opentelemetry.instrumentation.aiohttp_server import AioHttpServerInstrumentor  # noqa: PLC0415
    from opentelemetry.instrumentation.sqlalchemy import SQLAlchemyInstrumentor  # noqa: PLC0415
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    from inference.span_cleaner import CleaningExporter  # noqa: PLC0415

    named = {"service.name": os.environ.get("OTEL_SERVICE_NAME", service)}
    provider = TracerProvider(resource=Resource.create(named))
    provider.add_span_processor(BatchSpanProcessor(CleaningExporter(OTLPSpanExporter())))
    trace.set_tracer_provider(provider)
    AioHttpClientInstrumentor().instrument(request_hook=_name_by_path)
    AioHttpServerInstrumentor().instrument()
    # It names no SQLAlchemy as new as ours; a test shows that they fit.
    SQLAlchemyInstrumentor().instrument(skip_dep_check=True)


def _name_by_path(span: "Span", asked: "aiohttp.TraceRequestStartParams") -> None:
    """Name a call by its method of Slack's or page of the worker's."""
    if PLAIN_PATH.fullmatch(asked.url.path):
        span.update_name(f"{asked.method} {asked.url.path}")

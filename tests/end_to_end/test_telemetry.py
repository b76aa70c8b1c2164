"""Traces: one for all that comes of a request, over both processes, with nobody's words in it."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiohttp import web

from bot.http_server import serve_http
from bot.workspace import Workspace
from tests.bot_process import bot_process
from tests.canary import canary, leaked
from tests.conftest import StartWorker
from tests.person import Person

trace_service_pb2 = pytest.importorskip(
    "opentelemetry.proto.collector.trace.v1.trace_service_pb2", reason="needs draftsmith[otel]"
)
SECONDS = "0.2"


@dataclass(frozen=True)
class Seen:
    """A span: of which service, in which trace, under which other one."""

    service: str
    name: str
    trace: bytes
    id: bytes
    parent: bytes


@dataclass
class Collector:
    """An OTLP collector that keeps what it is sent."""

    spans: list[Seen] = field(default_factory=list)
    raw: bytes = b""

    async def take(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.raw += body
        sent = trace_service_pb2.ExportTraceServiceRequest.FromString(body)
        for resource in sent.resource_spans:
            told = {each.key: each.value.string_value for each in resource.resource.attributes}
            self.spans += [
                Seen(told["service.name"], s.name, s.trace_id, s.span_id, s.parent_span_id)
                for scope in resource.scope_spans
                for s in scope.spans
            ]
        return web.Response(body=b"", content_type="application/x-protobuf")

    def named(self, service: str, name: str) -> list[Seen]:
        return [each for each in self.spans if (each.service, each.name) == (service, name)]


@asynccontextmanager
async def collecting() -> AsyncIterator[tuple[Collector, dict[str, str]]]:
    """Run a collector; yield it, and the settings of who is to send to it."""
    collector, app = Collector(), web.Application(client_max_size=1 << 24)
    app.router.add_post("/v1/traces", collector.take)
    async with serve_http(app, "127.0.0.1", 0) as url:
        delay = str(int(float(SECONDS) * 1000))
        yield collector, {"OTEL_EXPORTER_OTLP_ENDPOINT": url, "OTEL_BSP_SCHEDULE_DELAY": delay}


async def test_a_command_its_job_and_the_workers_part_are_one_trace_without_a_word(
    workspace: Workspace, tmp_path: Path, start_worker: StartWorker, tiny_gguf: Path
) -> None:
    brief = canary("brief")
    async with collecting() as (collector, settings):
        worker = await asyncio.to_thread(
            start_worker, model=tiny_gguf, dtype="fp32", kv_tokens=4096, **settings
        )
        async with bot_process(
            workspace, tmp_path, WORKER_URL=worker.url, MAX_TOKENS="64", **settings
        ):
            ana = Person(workspace, workspace.person("ana"), workspace.channel("launch"))
            await ana.draft(f"blog: {brief}")
            await ana.sees_drafts(1, timeout=30)
            served = "POST /v1/chat/completions"
            await workspace.until(lambda: collector.named("draftsmith-worker", served), 20)
            await workspace.until(lambda: collector.named("draftsmith-bot", "job"), 20)
    (delivered,) = collector.named("draftsmith-bot", "slack command")
    (job,) = collector.named("draftsmith-bot", "job")
    asked, answered = (
        collector.named(service, served)[0] for service in ("draftsmith-bot", "draftsmith-worker")
    )
    assert job.parent == delivered.id
    assert asked.parent == job.id
    assert answered.parent == asked.id
    assert len({each.trace for each in (delivered, job, asked, answered)}) == 1
    in_trace = {each.name for each in collector.spans if each.trace == job.trace}
    assert "POST /api/chat.startStream" in in_trace
    assert any(name.startswith("INSERT") for name in in_trace)
    assert not any("health" in each.name for each in collector.spans)
    assert not leaked(brief, collector.raw)
    for secret in (workspace.bot_token, workspace.app_token, ana.id, ana.channel, "ticket="):
        assert secret.encode() not in collector.raw


def test_traces_that_nothing_is_installed_for_are_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import sys\nsys.modules['opentelemetry'] = None  # As if it were not there.\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "bot", "run"],
        env={
            "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9",
            "PYTHONPATH": f"{tmp_path}:{Path(__file__).parents[2]}",
        },
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "install draftsmith[otel]" in done.stderr
    assert len(done.stderr.splitlines()) == 1

"""The worker against the document that it serves of itself, by schemathesis."""

import socket
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.specs.openapi.checks import positive_data_acceptance

from inference.api.openapi import document
from tests.conftest import StartWorker, Worker
from tests.fuzzing import FUZZ

TOKEN = "a token of these tests"

schema = schemathesis.openapi.from_dict(document())


@pytest.fixture(scope="module")
def worker(start_worker: StartWorker, tiny_gguf: Path) -> Worker:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    return start_worker(
        model=tiny_gguf,
        dtype="fp32",
        kv_tokens=16384,
        worker_bind=f"tcp:127.0.0.1:{port}",
        worker_token=TOKEN,
    )


@schema.parametrize()
@settings(max_examples=15 * FUZZ, suppress_health_check=list(HealthCheck))
def test_every_answer_is_one_that_the_document_promises(
    case: "schemathesis.Case[Any]", worker: Worker
) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    # What a schema cannot say is refused as well: a prompt that is too long, or says nothing.
    case.call_and_validate(
        base_url=worker.url, headers=headers, excluded_checks=[positive_data_acceptance]
    )

"""The files of bot/deploy and the Dockerfile, by the tools that know their formats."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.settings import Settings
from inference.settings import WorkerSettings

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "bot" / "deploy"
KUBERNETES = sorted((DEPLOY / "kubernetes").glob("*.yaml"))
SETTINGS = {name.upper() for name in [*Settings.model_fields, *WorkerSettings.model_fields]}
# What is no setting of ours: of Python and the shell, of the images of others.
OTHERS = {"HOME", "PYTHONUNBUFFERED", "POSTGRES_USER", "POSTGRES_DB", "POSTGRES_PASSWORD"}


def checked(tool: str, *arguments: str | Path) -> None:
    """Run a checking tool of `make deployment`; skip the test where it is not installed."""
    path = shutil.which(tool, path=f"{Path(sys.executable).parent}:/usr/bin:/bin")
    if path is None:
        pytest.skip(f"{tool} is not installed: `make deployment` brings it")
    done = subprocess.run([path, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def documents(path: Path) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(path.read_text()))


def containers() -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Yield each container of the manifests, with the pod that it is in."""
    for path in KUBERNETES:
        for document in documents(path):
            pod = document["spec"].get("template", {}).get("spec", {})
            yield from ((container, pod) for container in pod.get("containers", []))


def test_the_dockerfile_has_nothing_to_object_to() -> None:
    checked("hadolint", ROOT / "Dockerfile")


@pytest.mark.parametrize("path", KUBERNETES, ids=lambda path: path.name)
def test_kubernetes_knows_every_field(path: Path) -> None:
    checked("kubernetes-validate", "--strict", path)


def test_compose_knows_every_field() -> None:
    checked("check-jsonschema", "--builtin-schema", "vendor.compose-spec", DEPLOY / "compose.yaml")


def test_systemd_knows_every_line(tmp_path: Path) -> None:
    for unit in (DEPLOY / "systemd").iterdir():
        # The program is where this machine has one.
        text = re.sub(r"/opt/draftsmith/\.venv/bin/draftsmith", "/bin/true", unit.read_text())
        (tmp_path / unit.name).write_text(text)
    checked("systemd-analyze", "verify", *tmp_path.iterdir())


def test_every_setting_that_is_named_is_one() -> None:
    compose = documents(DEPLOY / "compose.yaml")[0]["services"]
    named = {name for each in ("bot", "worker") for name in compose[each]["environment"]}
    named |= {entry["name"] for container, _ in containers() for entry in container["env"]}
    for unit in (DEPLOY / "systemd").glob("*.service"):
        for line in re.findall(r"^Environment=(.*)", unit.read_text(), re.M):
            named |= {word.partition("=")[0] for word in line.split()}
    assert named - SETTINGS - OTHERS == set()


def test_whoever_is_told_to_end_has_longer_than_it_drains() -> None:
    for container, pod in containers():
        drains = next(int(e["value"]) for e in container["env"] if e["name"] == "DRAIN_SECONDS")
        pause = json.dumps(container.get("lifecycle", {}))
        before = sum(map(int, re.findall(r'"sleep", "(\d+)"', pause)))
        assert pod["terminationGracePeriodSeconds"] >= before + drains + 20
    compose = documents(DEPLOY / "compose.yaml")[0]["services"]
    for name in ("bot", "worker"):
        drains = int(compose[name]["environment"]["DRAIN_SECONDS"])
        assert int(compose[name]["stop_grace_period"].removesuffix("s")) >= drains + 20


def test_containers_write_into_no_layer_and_are_nobody_special() -> None:
    for container, pod in containers():
        security = container["securityContext"]
        assert pod["securityContext"]["runAsNonRoot"]
        assert security["readOnlyRootFilesystem"]
        assert not security["allowPrivilegeEscalation"]
    compose = documents(DEPLOY / "compose.yaml")[0]["services"]
    assert all(compose[name]["read_only"] for name in ("bot", "worker"))
    assert re.search(r"^USER \d+$", (ROOT / "Dockerfile").read_text(), re.M)

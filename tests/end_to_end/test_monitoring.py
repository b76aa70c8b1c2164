"""Alerts and dashboard: by Prometheus' own tool, and by the figures that bot and worker have."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot import metrics
from inference.metrics import Metrics

DEPLOY = Path(__file__).resolve().parents[2] / "bot" / "deploy"
ALERTS = [
    rule
    for group in yaml.safe_load((DEPLOY / "alerts.yaml").read_text())["groups"]
    for rule in group["rules"]
]
PANELS = json.loads((DEPLOY / "grafana" / "dashboard.json").read_text())["panels"]
TEMPLATE = re.compile(r"draftsmith_[a-z_]+|process_[a-z_]+")


@pytest.fixture(scope="module")
def promtool() -> str:
    path = shutil.which("promtool")
    if path is None:
        pytest.skip("promtool is not installed: Debian's package prometheus has it")
    return path


def run(*command: str | Path, cwd: Path = DEPLOY) -> None:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def shown() -> list[str]:
    """Return every expression of the dashboard."""
    return [target["expr"] for panel in PANELS for target in panel.get("targets", ())]


def known() -> Iterator[str]:
    """Yield the names of all samples that bot and worker may have."""
    for registry in (metrics.REGISTRY, Metrics().registry):
        for family in registry.collect():
            kinds: dict[str, tuple[str, ...]] = {
                "counter": ("_total",),
                "histogram": ("_bucket", "_count", "_sum"),
            }
            yield from (family.name + ending for ending in kinds.get(family.type, ("",)))


def test_promtool_takes_the_alerts_and_the_configuration(promtool: str) -> None:
    run(promtool, "check", "rules", "alerts.yaml")
    run(promtool, "check", "config", "--syntax-only", "prometheus.yaml")


def test_each_alert_fires_when_it_should_and_only_then(promtool: str) -> None:
    run(promtool, "test", "rules", "alerts_test.yaml")


@pytest.mark.parametrize("text", [metrics.text(), Metrics().text()], ids=["bot", "worker"])
def test_promtool_finds_nothing_to_mend_in_the_figures(promtool: str, text: bytes) -> None:
    done = subprocess.run(
        [promtool, "check", "metrics"], input=text, capture_output=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_promtool_takes_every_expression_of_the_dashboard(promtool: str, tmp_path: Path) -> None:
    rules: list[dict[str, Any]] = [
        {"record": f"panel:{number}", "expr": expr} for number, expr in enumerate(shown())
    ]
    file = tmp_path / "rules.yaml"
    file.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}))
    run(promtool, "check", "rules", file)


def test_alerts_and_dashboard_ask_for_figures_that_there_are() -> None:
    expressions = [*shown(), *(alert["expr"] for alert in ALERTS)]
    asked = {name for each in expressions for name in TEMPLATE.findall(each)}
    assert len(asked) > 30
    assert asked - set(known()) == set()


def test_every_figure_of_the_bot_is_on_the_dashboard() -> None:
    text = "".join(shown())
    ours = [each.name for each in metrics.REGISTRY.collect() if each.name.startswith("draftsmith")]
    assert [name for name in ours if name not in text] == []


def test_every_alert_is_tested_both_ways_and_explained() -> None:
    page = (DEPLOY / "monitoring" / "README.md").read_text()
    tests = (DEPLOY / "alerts_test.yaml").read_text()
    for alert in ALERTS:
        name, severity = alert["alert"], alert["labels"]["severity"]
        assert f"| `{name}` | {severity} |" in page
        assert f"name: {name} fires\n" in tests
        assert f"name: {name} is quiet\n" in tests


def test_no_two_panels_stand_in_one_place() -> None:
    places = [
        (x, y)
        for panel in PANELS
        for place in [panel["gridPos"]]
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(set(places)) == len(places)
    assert {x for x, _ in places} == set(range(24))

"""The commands of `draftsmith`, run as a person runs them."""

import asyncio
import json
import os
import re
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from dotenv import dotenv_values

from bot.cli.doctor import doctor
from bot.settings import Settings
from bot.slack.manifest import AGENT_EVENTS, SCOPES
from bot.workspace import Workspace
from inference.settings import WorkerSettings
from tests.env_sample import env_sample
from tests.person import settings_for
from tests.scripted_engine import ScriptedEngine

ROOT = Path(__file__).resolve().parents[2]
LIMIT_SECONDS = 200


async def draftsmith(*words: str, cwd: Path, **env: str) -> tuple[int, str, str]:
    """Run a command in an environment of its own; return its exit code, stdout and stderr."""
    inherited = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", *words,
        cwd=cwd,
        env={**inherited, "PYTHONPATH": str(ROOT), **env},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        async with asyncio.timeout(LIMIT_SECONDS):
            out, err = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


@pytest.fixture
async def workspace() -> AsyncIterator[Workspace]:
    async with Workspace(scopes=SCOPES) as started:
        yield started


@pytest.fixture
async def engine() -> AsyncIterator[ScriptedEngine]:
    async with ScriptedEngine() as scripted:
        yield scripted


def connected(workspace: Workspace, engine: ScriptedEngine) -> dict[str, str]:
    return {
        "SLACK_BOT_TOKEN": workspace.bot_token,
        "SLACK_APP_TOKEN": workspace.app_token,
        "SLACK_API_URL": f"{workspace.url}/api/",
        "WORKER_URL": engine.url,
    }


async def test_the_manifest_asks_for_what_the_code_uses(tmp_path: Path) -> None:
    code, out, _ = await draftsmith("manifest", "--url", "https://bot.example", cwd=tmp_path)
    manifest = json.loads(out)
    assert code == 0
    assert manifest["settings"]["interactivity"]["request_url"].startswith("https://bot.example/")
    assert manifest["features"]["slash_commands"][0]["command"] == "/draft"


async def test_the_doctor_finds_nothing_to_do_where_all_is_well(
    workspace: Workspace, engine: ScriptedEngine, tmp_path: Path
) -> None:
    code, out, err = await draftsmith("doctor", cwd=tmp_path, **connected(workspace, engine))
    assert (code, err) == (0, "")
    assert [line.split()[0] for line in out.splitlines()] == ["ok"] * 9
    assert "English (MODEL_LANGUAGES" in out


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"slack_bot_token": "xoxb-wrong"}, "Slack does not take SLACK_BOT_TOKEN: invalid_auth"),
        ({"slack_bot_token": ""}, "Set SLACK_BOT_TOKEN to the xoxb- token"),
        ({"slack_app_token": "xapp-wrong"}, "Slack does not take SLACK_APP_TOKEN"),
        (
            {"slack_transport": "http", "slack_signing_secret": None},
            "Set SLACK_SIGNING_SECRET",
        ),
        ({"slack_api_url": "http://127.0.0.1:9/"}, "does not answer as Slack: check the network"),
        ({"database_url": "sqlite+aiosqlite:////no/such/folder/x.db"}, "check DATABASE_URL"),
        ({"policy": "no-such-policy.toml"}, "no-such-policy.toml"),
        ({"review_channel": "C0NOTHERE"}, "not in the channel of REVIEW_CHANNEL"),
        ({"recipes": "no-such-folder"}, "no-such-folder, is not there: check RECIPES"),
        ({"worker_url": "http://127.0.0.1:9"}, "Check WORKER_URL"),
    ],
)
async def test_the_doctor_says_what_is_wrong_and_what_to_do(
    workspace: Workspace,
    engine: ScriptedEngine,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    changed: dict[str, str | None],
    says: str,
) -> None:
    assert await doctor(settings_for(workspace, engine.url, tmp_path, **changed)) == 1
    assert says in capsys.readouterr().out


async def test_the_doctor_names_the_scopes_that_are_missing(
    workspace: Workspace,
    engine: ScriptedEngine,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    workspace.revoke("reactions:read")
    assert await doctor(settings_for(workspace, engine.url, tmp_path)) == 1
    assert "Scopes are missing: reactions:read." in capsys.readouterr().out


async def test_the_doctor_says_what_an_app_that_was_installed_before_has_to_change(
    workspace: Workspace,
    engine: ScriptedEngine,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    workspace.state.features = replace(workspace.state.features, agent=False)
    assert await doctor(settings_for(workspace, engine.url, tmp_path)) == 1
    (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("--")]
    for named in ("features.agent_view", *AGENT_EVENTS, "install the app again"):
        assert named in line


async def test_the_doctor_leaves_no_session_behind(
    workspace: Workspace, engine: ScriptedEngine, tmp_path: Path
) -> None:
    assert await doctor(settings_for(workspace, engine.url, tmp_path)) == 0
    assert "agents.sessions.setStatus" in [call.method for call in workspace.calls]
    assert workspace.state.sessions == {}


async def test_the_doctor_finds_a_model_that_is_not_there_without_starting_the_worker(
    tmp_path: Path,
) -> None:
    code, out, _ = await draftsmith("doctor", cwd=tmp_path, MODEL="no-such-model")
    assert code == 1
    assert "The package 'no-such-model' is not installed" in out


async def test_the_doctor_finds_a_model_that_is_not_whole(tmp_path: Path, tiny_gguf: Path) -> None:
    cut = tmp_path / "cut.gguf"
    cut.write_bytes(tiny_gguf.read_bytes()[:-5000])
    code, out, _ = await draftsmith("doctor", cwd=tmp_path, MODEL=str(cut))
    assert code == 1
    assert f"{cut} is cut short" in out


async def test_a_wrong_setting_is_named_and_its_value_is_not_shown(tmp_path: Path) -> None:
    code, _, err = await draftsmith("doctor", cwd=tmp_path, MAX_TOKENS="sesame")
    assert code == 2
    assert err.startswith("MAX_TOKENS: ")
    assert "sesame" not in err


@pytest.mark.parametrize(
    ("missing", "code", "says"),
    [
        ("SLACK_BOT_TOKEN", 2, "SLACK_BOT_TOKEN is not set"),
        ("SLACK_APP_TOKEN", 2, "SLACK_APP_TOKEN is not set"),
    ],
)
async def test_run_without_a_token_says_which(
    workspace: Workspace,
    engine: ScriptedEngine,
    tmp_path: Path,
    missing: str,
    code: int,
    says: str,
) -> None:
    env = connected(workspace, engine)
    del env[missing]
    ended, _, err = await draftsmith("run", cwd=tmp_path, **env)
    assert ended == code
    assert says in err


@pytest.mark.parametrize(
    ("changed", "code", "says"),
    [
        ({"SLACK_BOT_TOKEN": "xoxb-wrong"}, 2, "Slack refused: invalid_auth"),
        ({"SLACK_APP_TOKEN": "xapp-wrong"}, 2, "Slack refused: invalid_auth"),
        ({"DATABASE_URL": "nonsense"}, 2, "DATABASE_URL is not a URL"),
        ({"DATABASE_URL": "sqlite+aiosqlite:////no/such/folder/x.db"}, 1, "StoreUnavailable"),
        ({"POLICY": "no-such-policy.toml"}, 2, "no-such-policy.toml"),
        ({"DATA_DIR": "/proc/data"}, 1, "draftsmith doctor"),
    ],
)
async def test_run_that_cannot_begin_ends_with_one_line(
    workspace: Workspace,
    engine: ScriptedEngine,
    tmp_path: Path,
    changed: dict[str, str],
    code: int,
    says: str,
) -> None:
    env = {**connected(workspace, engine), **changed}
    ended, _, err = await draftsmith("run", cwd=tmp_path, **env)
    assert "Traceback" not in err
    assert says in err.splitlines()[-1]
    assert ended == code


async def test_run_with_a_model_that_cannot_be_loaded_ends_with_the_workers_sentence(
    workspace: Workspace, engine: ScriptedEngine, tmp_path: Path
) -> None:
    env = connected(workspace, engine)
    del env["WORKER_URL"]
    code, _, err = await draftsmith("run", cwd=tmp_path, MODEL="no-such-model", **env)
    assert code == 2
    assert "The package 'no-such-model' is not installed" in err.splitlines()[-1]


async def test_draft_streams_a_text_to_the_terminal(engine: ScriptedEngine, tmp_path: Path) -> None:
    code, out, _ = await draftsmith(
        "draft", "seed=5 blog:", "rain", cwd=tmp_path, WORKER_URL=engine.url
    )
    assert code == 0
    assert "Sentence 8 of seed 5 on rain." in out


async def test_draft_refuses_what_is_no_brief_and_what_the_filter_stops(
    engine: ScriptedEngine, tmp_path: Path
) -> None:
    code, out, err = await draftsmith("draft", "blog:", cwd=tmp_path, WORKER_URL=engine.url)
    assert (code, out) == (1, "")
    assert "nothing to write" in err
    secret = "AKIA" + "Q3EGRIZV7N2KXW5B"
    code, out, err = await draftsmith("draft", secret, cwd=tmp_path, WORKER_URL=engine.url)
    assert (code, out) == (1, "")
    assert "safety filter" in err
    assert secret not in err


async def test_the_demo_tells_its_story_with_the_real_model(tmp_path: Path) -> None:
    code, out, err = await draftsmith("demo", "--once", cwd=tmp_path)
    assert code == 0, err
    assert re.search(r"workspace\s+http://127\.0\.0\.1:\d+", out)
    for line in (
        "types: /draft social: our new office in Lisbon",
        "reacts :repeat:",
        "replies: make",
        "gus types: /draft",
        "open to full members",
        "mei types: /draft 帖子",
        "[a form, filled in] ",
        "只会写英语",
    ):
        assert line in out
    # The model ends by itself; once in a while it does not.
    assert out.count("length limit") <= 1
    assert [f"Draft {i}**" in out for i in (1, 2, 3)] == [True] * 3


def test_the_readme_lists_every_setting() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for settings in (Settings, WorkerSettings):
        for name, field in settings.model_fields.items():
            assert f"| `{name.upper()}` |" in readme
            assert field.description
            assert field.description.replace("|", "\\|") in readme


def test_the_sample_of_an_env_file_has_every_setting_as_it_is() -> None:
    assert (ROOT / ".env.sample").read_text(encoding="utf-8") == env_sample()


def test_the_sample_as_it_is_changes_no_setting_but_the_two_tokens() -> None:
    found = dotenv_values(ROOT / ".env.sample")
    assert found == {"SLACK_BOT_TOKEN": "", "SLACK_APP_TOKEN": ""}

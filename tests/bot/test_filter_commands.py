"""`draftsmith policy` and `draftsmith audit`, and that each channel has its own policy."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bot.__main__ import main
from bot.cli.audit import verify
from bot.workspace import Workspace
from tests.person import Person, StartBot, settings_for
from tests.scripted_engine import ScriptedEngine

KEY = "a key for the audit of tests"
Draftsmith = Callable[..., tuple[int, str, str]]


@pytest.fixture
def draftsmith(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Draftsmith:
    """Return what runs a command, and gives its exit code, stdout and stderr."""
    monkeypatch.chdir(tmp_path)

    def run(*words: str, **env: str) -> tuple[int, str, str]:
        with monkeypatch.context() as patch:
            patch.setattr(sys, "argv", ["draftsmith", *words])
            for name, value in env.items():
                patch.setenv(name, value)
            code = main()
        out, err = capsys.readouterr()
        return code, out, err

    return run


def test_policy_check_says_what_is_wrong_and_where_there_are_overlays(
    draftsmith: Draftsmith, tmp_path: Path
) -> None:
    file = tmp_path / "policy.toml"
    file.write_text('[channels.C1.output]\nemail = "block"\n')
    code, out, _ = draftsmith("policy", "check", str(file))
    base, overlay = out.splitlines()
    assert code == 0
    assert base.startswith(f"{file}: ")
    assert overlay.startswith("channels.C1: ")
    file.write_text('[output]\nemial = "block"\n')
    code, out, err = draftsmith("policy", "check", POLICY=str(file))
    assert (code, out) == (2, "")
    assert err == f"{file}: unknown key output.emial; did you mean email?\n"


def test_policy_explain_goes_by_stage_and_channel(draftsmith: Draftsmith, tmp_path: Path) -> None:
    file = tmp_path / "policy.toml"
    file.write_text('[channels.C1.output]\nemail = "block"\n')
    asked = ("policy", "explain", "Mail press@acme.com", "--stage", "output")
    _, everywhere, _ = draftsmith(*asked, POLICY=str(file))
    _, there, _ = draftsmith(*asked, "--channel", "C1", POLICY=str(file))
    assert everywhere.splitlines()[-1].startswith("output: redact by email_address;")
    assert there.splitlines()[-1].startswith("output: block by email_address;")


def test_audit_verify_says_what_it_needs(draftsmith: Draftsmith, tmp_path: Path) -> None:
    file = tmp_path / "audit.jsonl"
    code, _, err = draftsmith("audit", "verify", str(file), AUDIT_KEY=KEY)
    assert (code, err) == (
        2,
        f"{file} cannot be read (No such file or directory): check the path.\n",
    )
    file.write_text("")
    code, _, err = draftsmith("audit", "verify", str(file))
    assert (code, err) == (2, "There is no data/audit.key: set AUDIT_KEY, or DATA_DIR.\n")
    assert not (tmp_path / "data").exists()
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd" / "audit.key").write_bytes(b"\xff\xfe")
    code, _, err = draftsmith("audit", "verify", str(file), DATA_DIR="odd")
    assert code == 2
    assert err.startswith("odd/audit.key holds no key that the bot made: ")
    assert err.count("\n") == 1
    code, _, err = draftsmith("audit", "verify", str(file), "--head", "x", AUDIT_KEY=KEY)
    assert code == 2
    assert "a number, a colon, a link" in err


async def test_each_channel_is_judged_by_its_own_policy(
    workspace: Workspace, start: StartBot, engine: ScriptedEngine, ana: Person, tmp_path: Path
) -> None:
    engine.write = lambda _: "Write to press@acme.com about it. And the rest follows."
    strict, policy = workspace.channel("strict"), tmp_path / "policy.toml"
    policy.write_text(f'[channels.{strict}.output]\nemail = "block"\n')
    async with start(policy=policy):
        await ana.draft("rain")
        (draft,) = await ana.sees_drafts(1)
        assert "[e-mail removed]" in draft.text
        await Person(workspace, ana.id, strict).draft("rain")
        await ana.hears("safety filter stopped")
    lines = (tmp_path / "audit.jsonl").read_text().splitlines()
    assert len({json.loads(line)["policy"] for line in lines}) == 2


async def test_the_log_of_the_bot_has_the_heads_that_show_a_missing_end(
    workspace: Workspace,
    start: StartBot,
    engine: ScriptedEngine,
    ana: Person,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with capture_logs() as logs:
        async with start():
            await ana.draft("rain")
            await ana.sees_drafts(1)
    first, last = [event["head"] for event in logs if event["event"] == "audit log"]
    assert first == "0:"
    settings, audit = settings_for(workspace, engine.url, tmp_path), tmp_path / "audit.jsonl"
    assert await verify(settings, None, last) == 0
    assert capsys.readouterr().out == f"{audit} is as it was written.\n"

    lines = audit.read_text().splitlines(keepends=True)
    audit.write_text("".join(lines[:-1]))
    assert await verify(settings, None, None) == 0
    assert "add --head" in capsys.readouterr().out
    assert await verify(settings, None, last) == 1
    assert capsys.readouterr().out.count("its end is missing") == 1
    audit.write_text("".join(lines[1:]))
    assert await verify(settings, None, None) == 1
    assert "Line 1 has number 2" in capsys.readouterr().out

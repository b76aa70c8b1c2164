"""`draftsmith`: run, demo, draft, doctor, feedback, manifest, policy, audit, backup, restore."""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Coroutine
from pathlib import Path

from bot.cli import run_command
from bot.settings import Settings
from inference.logs import guard_crashes

Command = Callable[[argparse.Namespace], Coroutine[None, None, int]]


def main() -> int:
    """Return the exit code: 0 done, 1 failed with one line that says why, 2 a wrong setting."""
    guard_crashes()
    os.umask(0o077)  # Whatever is written is for this user alone.
    arguments = _parser().parse_args()
    command: Command = arguments.command
    return run_command(command(arguments))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="draftsmith", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="command")

    def add(name: str, help_: str, command: Command) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=help_, description=help_)
        sub.set_defaults(command=command)
        return sub

    add("run", "Run the bot, and the worker unless WORKER_URL names one.", _run)
    demo = add("demo", "Try it all without Slack: a workspace on this machine, and a story.", _demo)
    demo.add_argument("--once", action="store_true", help="end after the story")
    draft = add("draft", "Write one draft to the terminal.", _draft)
    draft.add_argument("text", nargs="+", help="as after /draft: `blog: our new office`")
    add("doctor", "Check settings, Slack, database, filter and model, and say what to do.", _doctor)
    manifest = add("manifest", "Print the manifest to make the Slack app with.", _manifest)
    manifest.add_argument("--name", default="Draftsmith", help="the app's name")
    manifest.add_argument("--url", help="where Slack reaches the bot by HTTP: https://host")
    backup = add("backup", "Copy what must not be lost into one file; the bot may run.", _backup)
    backup.add_argument("folder", nargs="?", type=Path, default=Path(), help="by default this one")
    restore = add("restore", "Put a backup back, into an empty DATA_DIR or database.", _restore)
    restore.add_argument("file", type=Path)
    _add_feedback_commands(commands)
    _add_filter_commands(commands)
    return parser


def _add_feedback_commands(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
) -> None:
    help_ = "What clicks say of drafts, and how they changed which one is marked as the best."
    feedback = commands.add_parser("feedback", help=help_, description=help_)
    feedback.set_defaults(command=_feedback)
    further = feedback.add_subparsers(metavar="command")
    reset = further.add_parser("reset", help="Go back to the built-in weights of the measures.")
    reset.add_argument("--workspace", help="its id, T...; by default all")
    reset.set_defaults(command=_reset)
    export = further.add_parser(
        "export", help="Write prompt, chosen, rejected as JSONL, of people who agreed to that."
    )
    export.add_argument("file", nargs="?", type=Path, help="by default stdout")
    export.set_defaults(command=_export)


def _add_filter_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    policy = commands.add_parser("policy", help="Check the filter's policy, or explain a verdict.")
    policies = policy.add_subparsers(required=True, metavar="command")
    check = policies.add_parser("check", help="Check a policy file.")
    check.add_argument("file", nargs="?", type=Path, help="by default that of POLICY")
    check.set_defaults(command=_check)
    explain = policies.add_parser("explain", help="What each tier scores, and what follows.")
    explain.add_argument("text")
    explain.add_argument("--stage", choices=("input", "material", "output"), default="input")
    explain.add_argument("--workspace", default="", help="its id, T...")
    explain.add_argument("--channel", default="", help="its id, C...")
    explain.set_defaults(command=_explain)
    audit = commands.add_parser("audit", help="Verify the audit log.")
    verify = audit.add_subparsers(required=True, metavar="command").add_parser(
        "verify", help="Whether no line was changed, added, moved or taken out."
    )
    verify.add_argument("file", nargs="?", type=Path, help="by default that in DATA_DIR")
    verify.add_argument("--head", help="as the bot logged it: shows lines that miss at the end")
    verify.set_defaults(command=_verify)


async def _run(_: argparse.Namespace) -> int:
    from inference.telemetry import start  # noqa: PLC0415 -- each loads only what it needs.

    start("draftsmith-bot")  # Before SQLAlchemy is imported.
    from bot.cli.run import run  # noqa: PLC0415

    return await run(Settings())


async def _demo(arguments: argparse.Namespace) -> int:
    began = time.monotonic()
    from bot.cli.demo import demo  # noqa: PLC0415

    return await demo(stay=not arguments.once and sys.stdout.isatty(), began=began)


async def _draft(arguments: argparse.Namespace) -> int:
    from bot.cli.draft import draft  # noqa: PLC0415

    return await draft(" ".join(arguments.text), Settings())


async def _doctor(_: argparse.Namespace) -> int:
    from bot.cli.doctor import doctor  # noqa: PLC0415

    return await doctor(Settings())


async def _feedback(_: argparse.Namespace) -> int:
    from bot.cli.feedback import report  # noqa: PLC0415

    return await report(Settings())


async def _reset(arguments: argparse.Namespace) -> int:
    from bot.cli.feedback import reset  # noqa: PLC0415

    return await reset(Settings(), arguments.workspace)


async def _export(arguments: argparse.Namespace) -> int:
    from bot.cli.feedback import export  # noqa: PLC0415

    return await export(Settings(), arguments.file)


async def _manifest(arguments: argparse.Namespace) -> int:
    from bot.slack.manifest import manifest  # noqa: PLC0415
    from bot.transport import EVENTS_PATH  # noqa: PLC0415

    url = arguments.url.rstrip("/") + EVENTS_PATH if arguments.url else None
    print(json.dumps(manifest(arguments.name, Settings().slash_command, request_url=url), indent=2))
    return 0


async def _backup(arguments: argparse.Namespace) -> int:
    from bot.cli.backup import backup  # noqa: PLC0415

    return await backup(Settings(), arguments.folder)


async def _restore(arguments: argparse.Namespace) -> int:
    from bot.cli.backup import restore  # noqa: PLC0415

    return await restore(Settings(), arguments.file)


async def _check(arguments: argparse.Namespace) -> int:
    from bot.cli.policy import check  # noqa: PLC0415

    return await check(Settings(), arguments.file)


async def _explain(arguments: argparse.Namespace) -> int:
    from bot.cli.policy import explained  # noqa: PLC0415
    from safety import Stage  # noqa: PLC0415

    place = {"workspace": arguments.workspace, "channel": arguments.channel}
    return await explained(Settings(), arguments.text, Stage(arguments.stage), **place)


async def _verify(arguments: argparse.Namespace) -> int:
    from bot.cli.audit import verify  # noqa: PLC0415

    return await verify(Settings(), arguments.file, arguments.head)


if __name__ == "__main__":
    sys.exit(main())

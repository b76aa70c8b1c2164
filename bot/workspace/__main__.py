"""`python -m bot.workspace`: the workspace alone, for a bot that is started elsewhere."""

import argparse
import asyncio
import json
import sys
from pathlib import Path

from bot.workspace import cast
from bot.workspace.features import features_of
from bot.workspace.objects import Json
from bot.workspace.workspace import Workspace


async def serve(port: int, manifest: Json | None) -> None:
    async with Workspace(port, manifest=manifest) as workspace:
        cast.enter(workspace)
        lines = [
            f"The page is at {workspace.url}/ ; stop with Ctrl-C. Start a bot with:",
            f"SLACK_BOT_TOKEN={workspace.bot_token}",
            f"SLACK_APP_TOKEN={workspace.app_token}",
            f"SLACK_API_URL={workspace.url}/api/",
        ]
        sys.stdout.write("\n".join(lines) + "\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


def read_manifest(path: str) -> Json:
    """Return the app's manifest in a JSON file. Raises ArgumentTypeError with a sentence."""
    try:
        manifest = json.loads(Path(path).read_text())
        if not isinstance(manifest, dict):
            raise ValueError("It is not a JSON object.")
        features_of(manifest)
    except OSError as error:
        raise argparse.ArgumentTypeError(f"{path} could not be read: {error.strerror}.") from None
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{path} is no app's manifest: {error}") from None
    return manifest


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bot.workspace", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--manifest", type=read_manifest, help="the app's, in a file of JSON")
    chosen = parser.parse_args()
    try:
        asyncio.run(serve(chosen.port, chosen.manifest))
    except KeyboardInterrupt:
        return 0
    except OSError as error:
        sys.stderr.write(f"The workspace could not listen: {error.strerror}. Try another --port.\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

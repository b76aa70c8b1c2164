"""`python -m bot.workspace`: the workspace alone, for a bot started elsewhere."""

import argparse
import asyncio
import sys

from .workspace import Workspace


def furnish(workspace: Workspace) -> None:
    """A few people and channels to begin with."""
    ada, ben = workspace.person("ada"), workspace.person("ben")
    workspace.person("gus", guest=True)
    workspace.channel("general", members=[ada, ben])
    workspace.channel("marketing", members=[ada])
    workspace.channel("private-plans", private=True, members=[ada, ben], bot=False)


async def serve(port: int) -> None:
    async with Workspace(port) as workspace:
        furnish(workspace)
        lines = [
            f"The page is at {workspace.url}/ ; stop with Ctrl-C. Start a bot with:",
            f"SLACK_BOT_TOKEN={workspace.bot_token}",
            f"SLACK_APP_TOKEN={workspace.app_token}",
            f"SLACK_API_URL={workspace.url}/api/",
        ]
        sys.stdout.write("\n".join(lines) + "\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bot.workspace", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    try:
        asyncio.run(serve(parser.parse_args().port))
    except KeyboardInterrupt:
        return 0
    except OSError as error:
        sys.stderr.write(f"The workspace could not listen: {error.strerror}. Try another --port.\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

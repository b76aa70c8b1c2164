"""auth.test."""

from bot.workspace.api.args import MethodArgs
from bot.workspace.objects import Json
from bot.workspace.state import State


def test(state: State, args: MethodArgs) -> Json:
    """Answer auth.test. https://docs.slack.dev/reference/methods/auth.test"""
    return {
        "url": f"https://{state.domain}.slack.com/",
        "team": state.domain.title(),
        "user": state.bot.name,
        "team_id": state.team,
        "user_id": state.bot.id,
        "bot_id": state.bot_id,
        "is_enterprise_install": False,
    }

"""What a person sees of a draft: its buttons, and the forms behind them."""

from typing import Any

from bot.workspace import PostedMessage, Workspace
from tests.person import Person


def buttons(message: PostedMessage) -> list[str]:
    rows = [b for b in message.blocks if b["type"] == "actions"]
    return [e["action_id"] for row in rows for e in row["elements"]]


def shown_in(view: Any) -> str:
    return str(view.body["blocks"])


async def form_behind(workspace: Workspace, who: Person, draft: PostedMessage, button: str) -> Any:
    assert await workspace.click(who.id, who.channel, draft.ts, button)
    views = await workspace.until(lambda: workspace.views(who.id))
    return views[-1]

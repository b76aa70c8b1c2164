"""What a person sees of a draft: the forms behind its buttons."""

from typing import Any

from bot.workspace import PostedMessage, Workspace
from tests.person import Person


def shown_in(view: Any) -> str:
    return str(view.body["blocks"])


async def form_behind(workspace: Workspace, who: Person, draft: PostedMessage, button: str) -> Any:
    assert await who.press(draft, button)
    views = await workspace.until(lambda: workspace.views(who.id))
    return views[-1]

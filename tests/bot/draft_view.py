"""What a person sees of a draft: the forms behind its buttons."""

from typing import Any

from bot.workspace import PostedMessage, Workspace
from tests.person import Person


def shown_in(view: Any) -> str:
    return str(view.body["blocks"])


async def form_behind(workspace: Workspace, who: Person, draft: PostedMessage, button: str) -> Any:
    """Return the view that a button opens; views that were opened before may stand beside it."""
    before = [view.id for view in workspace.views(who.id)]
    assert await who.press(draft, button)

    def opened() -> Any:
        return next((view for view in workspace.views(who.id) if view.id not in before), None)

    return await workspace.until(opened)

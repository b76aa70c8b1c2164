"""What other apps do beside ours: they post, as GitHub or a workflow does."""

from collections.abc import Sequence

from bot.workspace import changes
from bot.workspace.objects import Json, PostedMessage, User, new_id
from bot.workspace.state import State


class OtherApps:
    """Other apps that are installed in the workspace."""

    state: State

    def other_app(self, name: str) -> str:
        """Install another app, and return the id of its bot user."""
        app = User(new_id("U"), name, self.state.team, bot=True)
        self.state.users[app.id] = app
        return app.id

    async def post_as(
        self,
        app: str,
        channel: str,
        text: str,
        *,
        blocks: Sequence[Json] = (),
        attachments: Sequence[Json] = (),
        thread_ts: str | None = None,
    ) -> str:
        """Post as another app, and return the message's ts."""
        message = PostedMessage(
            self.state.now(),
            channel,
            app,
            text,
            list(blocks),
            thread_ts,
            attachments=list(attachments),
        )
        await changes.add_message(self.state, message)
        return message.ts

"""The Web API: a table of methods, and the one way through which every call goes."""

from collections.abc import Callable
from dataclasses import dataclass

from bot.workspace.api import (
    apps,
    assistant,
    auth,
    chat,
    conversations,
    files,
    reactions,
    streams,
    users,
    views,
)
from bot.workspace.api.args import Args
from bot.workspace.errors import SlackError
from bot.workspace.state import Json, State

Handler = Callable[[State, Args], Json]

READ = ("channels:read", "groups:read", "im:read", "mpim:read")
HISTORY = ("channels:history", "groups:history", "im:history", "mpim:history")
WRITE = ("chat:write",)


@dataclass(frozen=True, slots=True)
class Method:
    """What answers a method, and the scopes of which the token needs one."""

    handler: Handler
    scopes: tuple[str, ...] = ()
    app_token: bool = False


METHODS: dict[str, Method] = {
    "apps.connections.open": Method(apps.open_connection, app_token=True),
    "assistant.threads.setStatus": Method(assistant.set_status, ("assistant:write", *WRITE)),
    "assistant.threads.setSuggestedPrompts": Method(assistant.set_prompts, ("assistant:write",)),
    "assistant.threads.setTitle": Method(assistant.set_title, ("assistant:write",)),
    "auth.test": Method(auth.test),
    "chat.appendStream": Method(streams.append, WRITE),
    "chat.delete": Method(chat.delete, WRITE),
    "chat.getPermalink": Method(chat.get_permalink),
    "chat.postEphemeral": Method(chat.post_ephemeral, WRITE),
    "chat.postMessage": Method(chat.post_message, WRITE),
    "chat.startStream": Method(streams.start, WRITE),
    "chat.stopStream": Method(streams.stop, WRITE),
    "chat.update": Method(chat.update, WRITE),
    "conversations.history": Method(conversations.history, HISTORY),
    "conversations.info": Method(conversations.info, READ),
    "conversations.join": Method(conversations.join, ("channels:join",)),
    "conversations.leave": Method(conversations.leave, ("channels:manage", "channels:write")),
    "conversations.list": Method(conversations.list_all, READ),
    "conversations.members": Method(conversations.members, READ),
    "conversations.open": Method(conversations.open_dm, ("im:write", "mpim:write")),
    "conversations.replies": Method(conversations.replies, HISTORY),
    "files.completeUploadExternal": Method(files.complete_upload, ("files:write",)),
    "files.getUploadURLExternal": Method(files.upload_url, ("files:write",)),
    "files.info": Method(files.info, ("files:read",)),
    "reactions.add": Method(reactions.add, ("reactions:write",)),
    "reactions.get": Method(reactions.get, ("reactions:read",)),
    "reactions.remove": Method(reactions.remove, ("reactions:write",)),
    "users.conversations": Method(conversations.of_bot, READ),
    "users.info": Method(users.info, ("users:read",)),
    "users.list": Method(users.list_all, ("users:read",)),
    "views.open": Method(views.open_modal),
    "views.publish": Method(views.publish),
    "views.push": Method(views.push),
    "views.update": Method(views.update),
}


def answer(state: State, name: str, args: Args) -> Json:
    """The answer to a call of the bot. Raises SlackError."""
    method = METHODS[name]
    if method.scopes and not state.scopes.intersection(method.scopes):
        provided = ",".join(sorted(state.scopes))
        raise SlackError("missing_scope", needed=",".join(method.scopes), provided=provided)
    return {"ok": True} | method.handler(state, args)

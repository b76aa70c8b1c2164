"""The Web API: the table of its methods, and the scopes that each needs."""

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
from bot.workspace.api.args import MethodArgs
from bot.workspace.errors import ApiError
from bot.workspace.objects import Json
from bot.workspace.state import State

MethodHandler = Callable[[State, MethodArgs], Json]

READ = ("channels:read", "groups:read", "im:read", "mpim:read")
HISTORY = ("channels:history", "groups:history", "im:history", "mpim:history")
WRITE = ("chat:write",)


@dataclass(frozen=True, slots=True)
class ApiMethod:
    """What answers a method, and the scopes of which the token needs one."""

    handler: MethodHandler
    scopes: tuple[str, ...] = ()
    app_token: bool = False


METHODS: dict[str, ApiMethod] = {
    "apps.connections.open": ApiMethod(apps.open_connection, app_token=True),
    "assistant.threads.setStatus": ApiMethod(assistant.set_status, ("assistant:write", *WRITE)),
    "assistant.threads.setSuggestedPrompts": ApiMethod(assistant.set_prompts, ("assistant:write",)),
    "assistant.threads.setTitle": ApiMethod(assistant.set_title, ("assistant:write",)),
    "auth.test": ApiMethod(auth.test),
    "chat.appendStream": ApiMethod(streams.append, WRITE),
    "chat.delete": ApiMethod(chat.delete, WRITE),
    "chat.getPermalink": ApiMethod(chat.get_permalink),
    "chat.postEphemeral": ApiMethod(chat.post_ephemeral, WRITE),
    "chat.postMessage": ApiMethod(chat.post_message, WRITE),
    "chat.startStream": ApiMethod(streams.start, WRITE),
    "chat.stopStream": ApiMethod(streams.stop, WRITE),
    "chat.update": ApiMethod(chat.update, WRITE),
    "conversations.history": ApiMethod(conversations.history, HISTORY),
    "conversations.info": ApiMethod(conversations.info, READ),
    "conversations.join": ApiMethod(conversations.join, ("channels:join",)),
    "conversations.leave": ApiMethod(conversations.leave, ("channels:manage", "channels:write")),
    "conversations.list": ApiMethod(conversations.list_all, READ),
    "conversations.members": ApiMethod(conversations.members, READ),
    "conversations.open": ApiMethod(conversations.open_dm, ("im:write", "mpim:write")),
    "conversations.replies": ApiMethod(conversations.replies, HISTORY),
    "files.completeUploadExternal": ApiMethod(files.complete_upload, ("files:write",)),
    "files.getUploadURLExternal": ApiMethod(files.upload_url, ("files:write",)),
    "files.info": ApiMethod(files.info, ("files:read",)),
    "reactions.add": ApiMethod(reactions.add, ("reactions:write",)),
    "reactions.get": ApiMethod(reactions.get, ("reactions:read",)),
    "reactions.remove": ApiMethod(reactions.remove, ("reactions:write",)),
    "users.conversations": ApiMethod(conversations.of_bot, READ),
    "users.info": ApiMethod(users.info, ("users:read",)),
    "users.list": ApiMethod(users.list_all, ("users:read",)),
    "views.open": ApiMethod(views.open_modal),
    "views.publish": ApiMethod(views.publish),
    "views.push": ApiMethod(views.push),
    "views.update": ApiMethod(views.update),
}


def answer(state: State, name: str, args: MethodArgs) -> Json:
    """Return the answer to a call. Raises ApiError if Slack would refuse it."""
    method = METHODS[name]
    if method.scopes and not state.scopes.intersection(method.scopes):
        provided = ",".join(sorted(state.scopes))
        raise ApiError("missing_scope", needed=",".join(method.scopes), provided=provided)
    return {"ok": True} | method.handler(state, args)

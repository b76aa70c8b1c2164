"""What one person sees of the workspace, as JSON for the page. Pure functions."""

from dataclasses import asdict

from bot.workspace import forms
from bot.workspace.canvas import Canvas
from bot.workspace.features import ShortcutKind
from bot.workspace.objects import (
    Json,
    OpenView,
    PostedMessage,
    UploadedFile,
    User,
    WorkspaceChannel,
)
from bot.workspace.state import State


def outline(state: State, who: str, tab: str | None = None) -> Json:
    """Return everything that this person sees in one tab, except the messages."""
    home = state.homes.get(who)
    return {
        "you": who,
        "bot": state.bot.id,
        "people": [_user(user) for user in state.users.values()],
        "channels": [
            _channel(state, who, c) for c in state.channels.values() if state.sees(who, c)
        ],
        "views": [_view(state, v) for v in state.views.get(who, []) if v.tab in (None, tab)],
        "home": _view(state, home) if home else None,
        "features": _features(state),
        "agent": _agent(state, who),
        "statuses": {f"{c}/{ts}": asdict(status) for (c, ts), status in state.statuses.items()},
    }


def messages(state: State, who: str, *, since: int) -> list[Json]:
    """Return the messages this person may read that changed after revision `since`."""
    return [
        _message(message)
        for message in state.all_messages()
        if message.revision > since
        and message.to in (None, who)
        and state.sees(who, state.channels[message.channel])
    ]


def sees_file(state: State, who: str, file: UploadedFile) -> bool:
    """Say whether this person may read the file: theirs, or in a channel they see."""
    mine = who == file.user or who in file.readers
    return mine or any(state.sees(who, state.channels[c]) for c in file.channels)


def _user(user: User) -> Json:
    kinds = {"bot": user.bot, "guest": user.guest, "outsider": user.outsider}
    kind = next((kind for kind, true in kinds.items() if true), "member")
    return {"id": user.id, "name": user.name, "kind": kind, "locale": user.locale}


def _channel(state: State, who: str, channel: WorkspaceChannel) -> Json:
    names = ", ".join(sorted(state.name_of(user) for user in channel.members - {who}))
    return {
        "id": channel.id,
        "name": names if channel.kind in ("im", "mpim") else channel.name,
        "kind": channel.kind,
        "archived": channel.archived,
        "bot": state.bot.id in channel.members,
        "canvases": [{"id": c.id, "title": c.title} for c in state.tabs(channel.id)],
    }


def _features(state: State) -> Json:
    features = state.features
    kinds: tuple[ShortcutKind, ...] = ("global", "message")
    menus = {kind: [asdict(entry) for entry in features.offered(kind)] for kind in kinds}
    return {"shortcuts": menus, "home": features.home, "agent": features.agent}


def _agent(state: State, who: str) -> Json:
    """Return what the app is to this person as an agent, with the name of what they look at."""
    prompts = state.prompts.get(state.dm_with_bot(who).id)
    seen = (state.channels.get(str(entity["value"])) for entity in state.looking_at.get(who, []))
    return {
        "sessions": {f"{c}/{ts}": asdict(session) for (c, ts), session in state.sessions.items()},
        "stoppable": state.features.subscribes("agent_session_stopped"),
        "prompts": asdict(prompts) if prompts else None,
        "beside": next((channel.name for channel in seen if channel), ""),
    }


def _view(state: State, view: OpenView) -> Json:
    body = {name: view.body.get(name) for name in ("title", "submit", "close")}
    blocks = [_with_options(state, view, block) for block in view.blocks]
    return body | {"id": view.id, "hash": view.hash, "errors": view.errors, "blocks": blocks}


def _with_options(state: State, view: OpenView, block: Json) -> Json:
    """Return the block, with the options that Slack fills into a select of places or people."""
    element = block.get("element", {})
    if element.get("type") == "conversations_select":
        places = forms.conversations(state, view.user, element)
        offered = {place.id: _channel(state, view.user, place)["name"] for place in places}
        chosen = forms.initial_conversation(state, view, element)
    elif element.get("type") in ("users_select", "multi_users_select"):
        offered = {user.id: user.name for user in state.users.values()}
        chosen = element.get("initial_user")
    elif element.get("type") == "channels_select":
        offered = {c.id: c.name for c in state.channels.values() if not c.private}
        chosen = element.get("initial_channel")
    else:
        return block
    options = [_option(value, name) for value, name in offered.items()]
    initial = _option(chosen, offered[chosen]) if chosen in offered else None
    return block | {"element": element | {"options": options, "initial_option": initial}}


def _option(value: str, name: str) -> Json:
    return {"text": {"type": "plain_text", "text": name}, "value": value}


def _message(message: PostedMessage) -> Json:
    return {
        "ts": message.ts,
        "channel": message.channel,
        "user": message.user,
        "text": message.text,
        "blocks": message.blocks,
        "thread_ts": message.thread_ts,
        "reactions": message.reactions,
        "streaming": message.streaming,
        "markdown": message.markdown,
        "edited": message.edited is not None,
        "deleted": message.deleted,
        "whisper": message.to is not None,
        "revision": message.revision,
        "files": [
            {"id": f.id, "name": f.title, "size": f.size, "canvas": isinstance(f, Canvas)}
            for f in message.files
        ],
    }

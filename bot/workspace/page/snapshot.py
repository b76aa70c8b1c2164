"""What one person sees of the workspace, as the page is told it: pure functions."""

from dataclasses import asdict

from bot.workspace import forms
from bot.workspace.features import ShortcutKind
from bot.workspace.objects import (
    Json,
    OpenView,
    PostedMessage,
    ThreadStatus,
    UploadedFile,
    User,
    WorkspaceChannel,
)
from bot.workspace.state import State


def outline(state: State, who: str) -> Json:
    """Everything but the messages."""
    home = state.homes.get(who)
    return {
        "you": who,
        "bot": state.bot.id,
        "people": [_person(person) for person in state.users.values()],
        "channels": [_channel(state, who, c) for c in state.channels.values() if visible(who, c)],
        "views": [_view(state, view) for view in state.views.get(who, [])],
        "home": _view(state, home) if home else None,
        "features": _features(state),
        "statuses": {f"{c}/{ts}": _status(status) for (c, ts), status in state.statuses.items()},
    }


def messages(state: State, who: str, *, since: int) -> list[Json]:
    """Messages this person may read that changed after revision `since`."""
    changed = (m for m in state.all_messages() if m.revision > since)
    return [_message(m) for m in changed if _readable(state, who, m)]


def visible(who: str, channel: WorkspaceChannel) -> bool:
    return not channel.private or who in channel.members


def sees_file(state: State, who: str, file: UploadedFile) -> bool:
    """Whether this person may read the file: theirs, or of a place they see."""
    return who == file.user or any(visible(who, state.channels[c]) for c in file.channels)


def _readable(state: State, who: str, message: PostedMessage) -> bool:
    return visible(who, state.channels[message.channel]) and message.to in (None, who)


def _person(person: User) -> Json:
    kinds = {"bot": person.bot, "guest": person.guest, "outsider": person.outsider}
    kind = next((kind for kind, true in kinds.items() if true), "member")
    return {"id": person.id, "name": person.name, "kind": kind}


def _channel(state: State, who: str, channel: WorkspaceChannel) -> Json:
    others = sorted(channel.members - {who})
    name = ", ".join(state.name_of(user) for user in others) if channel.kind == "im" else ""
    return {
        "id": channel.id,
        "name": name or channel.name,
        "kind": channel.kind,
        "archived": channel.archived,
        "bot": state.bot.id in channel.members,
    }


def _features(state: State) -> Json:
    features = state.features
    kinds: tuple[ShortcutKind, ...] = ("global", "message")
    menus = {kind: [asdict(entry) for entry in features.offered(kind)] for kind in kinds}
    return {"shortcuts": menus, "home": features.home, "assistant": features.assistant}


def _view(state: State, view: OpenView) -> Json:
    body = {name: view.body.get(name) for name in ("title", "submit", "close")}
    blocks = [_with_offer(state, view, block) for block in view.blocks]
    return body | {"id": view.id, "hash": view.hash, "errors": view.errors, "blocks": blocks}


def _with_offer(state: State, view: OpenView, block: Json) -> Json:
    """The block of an input; a select of places or people gets the options that Slack fills in."""
    element = block.get("element", {})
    if element.get("type") == "conversations_select":
        places = forms.conversations(state, view.user, element)
        offered = {place.id: _channel(state, view.user, place)["name"] for place in places}
        chosen = forms.initial_conversation(state, view, element)
    elif element.get("type") in ("users_select", "multi_users_select"):
        offered = {person.id: person.name for person in state.users.values()}
        chosen = element.get("initial_user")
    elif element.get("type") == "channels_select":
        public = (c for c in state.channels.values() if not c.private)
        offered = {channel.id: channel.name for channel in public}
        chosen = element.get("initial_channel")
    else:
        return block
    options = [_option(value, name) for value, name in offered.items()]
    initial = _option(chosen, offered[chosen]) if chosen in offered else None
    return block | {"element": element | {"options": options, "initial_option": initial}}


def _option(value: str, name: str) -> Json:
    return {"text": {"type": "plain_text", "text": name}, "value": value}


def _status(status: ThreadStatus) -> Json:
    return {"text": status.text, "loading": list(status.loading)}


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
        "files": [{"id": f.id, "name": f.title, "size": f.size} for f in message.files],
        "pane": asdict(message.pane) if message.pane else None,
    }

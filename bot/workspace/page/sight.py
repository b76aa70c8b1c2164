"""What one person sees of the workspace, as the page is told it: pure functions."""

from ..state import Channel, Json, Message, Person, State, Status, View


def outline(state: State, who: str) -> Json:
    """Everything but the messages."""
    home = state.homes.get(who)
    return {
        "you": who,
        "bot": state.bot.id,
        "people": [_person(person) for person in state.people.values()],
        "channels": [_channel(state, who, c) for c in state.channels.values() if visible(who, c)],
        "views": [_view(view) for view in state.views.get(who, [])],
        "home": _view(home) if home else None,
        "statuses": {f"{c}/{ts}": _status(status) for (c, ts), status in state.statuses.items()},
    }


def messages(state: State, who: str, *, since: int) -> list[Json]:
    """Messages this person may read that changed after revision `since`."""
    changed = (m for m in state.all_messages() if m.revision > since)
    return [_message(m) for m in changed if _readable(state, who, m)]


def visible(who: str, channel: Channel) -> bool:
    return not channel.private or who in channel.members


def _readable(state: State, who: str, message: Message) -> bool:
    return visible(who, state.channels[message.channel]) and message.to in (None, who)


def _person(person: Person) -> Json:
    kinds = {"bot": person.bot, "guest": person.guest, "outsider": person.outsider}
    kind = next((kind for kind, true in kinds.items() if true), "member")
    return {"id": person.id, "name": person.name, "kind": kind}


def _channel(state: State, who: str, channel: Channel) -> Json:
    others = sorted(channel.members - {who})
    name = ", ".join(state.name_of(user) for user in others) if channel.kind == "im" else ""
    return {
        "id": channel.id,
        "name": name or channel.name,
        "kind": channel.kind,
        "archived": channel.archived,
        "bot": state.bot.id in channel.members,
    }


def _view(view: View) -> Json:
    body = {name: view.body.get(name) for name in ("title", "submit", "close", "blocks")}
    return body | {"id": view.id, "hash": view.hash, "errors": view.errors}


def _status(status: Status) -> Json:
    return {"text": status.text, "loading": list(status.loading)}


def _message(message: Message) -> Json:
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
    }

"""The Python face of the workspace: what a person does, what a test sees, what goes wrong."""

import asyncio
import secrets
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from bot.workspace import api, blocks, events, forms, markup, modals, payloads
from bot.workspace.api import chat, conversations, reactions
from bot.workspace.delivery import RETRY_DELAYS, AppReply, Attempt, EnvelopeKind, EventDelivery
from bot.workspace.errors import ApiError
from bot.workspace.events import HomeTab
from bot.workspace.faults import Drop, Fault
from bot.workspace.features import features_of
from bot.workspace.http_events import HttpEvents
from bot.workspace.objects import (
    SLACKBOT,
    ApiCall,
    Json,
    OpenView,
    Pane,
    PostedMessage,
    ResponseUrl,
    ThreadStatus,
    User,
    WorkspaceChannel,
)
from bot.workspace.rate_limits import SLACK_LIMITS, RateLimit, RateLimiter
from bot.workspace.responses import post_response
from bot.workspace.server import Server
from bot.workspace.socket_mode import SocketMode
from bot.workspace.state import Acks, State
from bot.workspace.web_api import WebApi

T = TypeVar("T")

SCOPES = frozenset(
    [
        "commands",
        "chat:write",
        "reactions:read",
        "reactions:write",
        "app_mentions:read",
        "channels:read",
        "channels:join",
        "channels:history",
        "groups:read",
        "groups:history",
        "im:history",
        "im:read",
        "im:write",
        "mpim:history",
        "mpim:read",
        "users:read",
        "files:read",
        "files:write",
        "assistant:write",
    ]
)


@dataclass(frozen=True, slots=True)
class CommandAck:
    """How a command was taken: whether in time, what the person then read, after how long."""

    ok: bool
    text: str
    seconds: float


@dataclass(frozen=True, slots=True)
class ViewAnswer:
    """How a submitted view was taken. `errors` are by block_id, and then the view stays open."""

    ok: bool
    errors: dict[str, str] = field(default_factory=dict)


class Workspace:
    """A workspace on loopback with one app; `async with` serves it.

    `limits` None switches rate limits off; `manifest` is the app's: it says which shortcuts, home
    tab and assistant's pane people are offered, what the app hears of and, unless `scopes` does,
    what it may do; `retry_delays` are the seconds before each redelivery of an event; `events_url`
    set means signed HTTP instead of Socket Mode.

    Raises ValueError for a manifest that Slack would refuse.
    """

    def __init__(
        self,
        port: int = 0,
        *,
        limits: Mapping[str, RateLimit] | None = SLACK_LIMITS,
        scopes: Iterable[str] | None = None,
        manifest: Mapping[str, Any] | None = None,
        ack_timeout: float = 3.0,
        retry_delays: Sequence[float] = RETRY_DELAYS,
    ) -> None:
        features = features_of(manifest)
        granted = features.scopes or SCOPES if scopes is None else scopes
        self.state = State(granted, features)
        self.state.ack_seconds = ack_timeout
        self.bot_token = f"xoxb-{secrets.randbelow(10**12)}-{secrets.token_hex(12)}"
        self.app_token = f"xapp-1-{self.state.app}-{secrets.token_hex(24)}"
        self.signing_secret = secrets.token_hex(16)
        self.events_url: str | None = None
        self._http = HttpEvents(self.state, self.signing_secret)
        self._sockets = SocketMode(self.state)
        self._delivery = EventDelivery(self.state, self._send, retry_delays)
        self._api = WebApi(self.state, self.bot_token, self.app_token, RateLimiter(limits))
        self._server = Server(self.state, self._api, self._sockets, port)

    async def __aenter__(self) -> "Workspace":
        await self._server.start(self)
        self.state.emit = self._delivery.emit
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._delivery.close()
        await self._sockets.close()
        await self._http.close()
        await self._server.close()

    @property
    def url(self) -> str:
        return self.state.url

    @property
    def team(self) -> str:
        return self.state.team

    @property
    def bot_user(self) -> str:
        return self.state.bot.id

    @property
    def calls(self) -> list[ApiCall]:
        return self.state.calls

    @property
    def connected(self) -> bool:
        """Whether the app can be reached now."""
        return bool(self.events_url or self._sockets.connections)

    @property
    def settled(self) -> bool:
        """Whether no event is on its way, nor waiting to be delivered again."""
        return not self._delivery.tasks

    # Who and where

    def person(
        self, name: str, *, guest: bool = False, outsider: bool = False, locale: str = "en-US"
    ) -> str:
        """A new person's id. An outsider belongs to another workspace."""
        person = self.state.add_user(name, guest=guest, outsider=outsider, locale=locale)
        self.state.changes.notify()
        return person.id

    def channel(
        self, name: str, *, private: bool = False, members: Iterable[str] = (), bot: bool = True
    ) -> str:
        """A new channel's id. A public one is open to every person, who joins by acting in it."""
        joined = {*members, *([self.bot_user] if bot else [])}
        return self.state.add_channel(name, "group" if private else "channel", joined).id

    def dm(self, *people: str) -> str:
        """The DM of one person with the bot, or of two people, where the bot is not."""
        if len(people) == 1:
            return self.state.dm_with_bot(people[0]).id
        if len(people) == 2:
            return self.state.add_channel("", "im", people).id
        raise ValueError("A DM is of one person with the bot, or of two people.")

    def archive(self, channel: str) -> None:
        self.state.channels[channel].archived = True

    # What a person does

    async def command(self, who: str, channel: str, command: str, text: str) -> CommandAck:
        """Sends a slash command; returns when it is acked, or has failed as the person sees."""
        person, room = self._person_in(who, channel)
        payload = payloads.command(self.state, person, room, command, text)
        target = ResponseUrl(room.id, who, time.monotonic())
        started = time.monotonic()
        reply = await self._ask("slash_commands", payload)
        seconds = time.monotonic() - started
        if not reply.acked:
            error = "operation_timeout" if "timeout" in reply.reason else "dispatch_failed"
            return CommandAck(False, self._command_failed(who, room, command, error), seconds)
        body = reply.body or {}
        if not (body.get("text") or body.get("blocks")):
            return CommandAck(True, "", seconds)
        try:
            shown = post_response(self.state, target, body)
        except ApiError:
            error = "invalid_command_response"
            return CommandAck(False, self._command_failed(who, room, command, error), seconds)
        return CommandAck(True, shown.text if shown else "", seconds)

    async def say(
        self,
        who: str,
        channel: str,
        text: str,
        *,
        thread_ts: str | None = None,
        files: Sequence[str] = (),
    ) -> str:
        """Posts what a person typed, with files they attached; returns its ts."""
        _, room = self._person_in(who, channel)
        names = {p.name: p.id for p in self.state.users.values()}
        rooms = {c.name: c.id for c in self.state.channels.values() if c.name}
        written = markup.typed_to_mrkdwn(text, names, rooms)
        message = PostedMessage(self.state.now(), room.id, who, written, thread_ts=thread_ts)
        message.files = [self.state.file_of(who, file) for file in files]
        if thread_ts is not None and thread_ts not in room.messages:
            raise ValueError(f"There is no thread {thread_ts} in this channel.")
        await _acked(chat.post(self.state, room, message))
        return message.ts

    def attach(self, who: str, name: str, data: bytes, *, mimetype: str | None = None) -> str:
        """The id of a file that a person has at hand: for `say`, or for an input of a form."""
        if not name or not data:
            raise ValueError("A file needs a name and at least one byte.")
        return self.state.add_file(who, name, data, mimetype).id

    async def upload(
        self,
        who: str,
        channel: str,
        name: str,
        data: bytes,
        *,
        thread_ts: str | None = None,
        text: str = "",
        mimetype: str | None = None,
    ) -> str:
        """Posts a file, with a text or alone; returns the message's ts."""
        file = self.attach(who, name, data, mimetype=mimetype)
        return await self.say(who, channel, text, thread_ts=thread_ts, files=[file])

    async def shortcut(self, who: str, callback_id: str, *, channel: str | None = None) -> bool:
        """Uses a global shortcut, from a channel or from the search; True when it was acked."""
        self.state.features.check("global", callback_id)
        room = self.state.channels[channel] if channel else None
        payload = payloads.shortcut(self.state, self.state.users[who], callback_id, room)
        return (await self._ask("interactive", payload)).acked

    async def message_shortcut(self, who: str, channel: str, ts: str, callback_id: str) -> bool:
        """Uses a shortcut from the menu of a message; True when it was acked."""
        self.state.features.check("message", callback_id)
        person, _ = self._person_in(who, channel)
        message = self._message(channel, ts)
        payload = payloads.message_shortcut(self.state, person, message, callback_id)
        return (await self._ask("interactive", payload)).acked

    async def delete(self, who: str, channel: str, ts: str) -> None:
        """Deletes a message, anybody's: the person may be an owner of the workspace."""
        _, room = self._person_in(who, channel)
        await _acked(chat.delete_and_tell(self.state, room, self._message(channel, ts)))

    async def react(self, who: str, channel: str, ts: str, emoji: str) -> None:
        self._person_in(who, channel)
        message, name = self._message(channel, ts), emoji.strip(":")
        if who not in message.reactions.get(name, []):
            await _acked(reactions.add_reaction(self.state, message, who, name))

    async def unreact(self, who: str, channel: str, ts: str, emoji: str) -> None:
        self._person_in(who, channel)
        message, name = self._message(channel, ts), emoji.strip(":")
        if who in message.reactions.get(name, []):
            await _acked(reactions.remove_reaction(self.state, message, who, name))

    async def click(
        self,
        who: str,
        channel: str,
        ts: str,
        action_id: str,
        *,
        value: object = None,
        block_id: str | None = None,
    ) -> bool:
        """Clicks a button of a message or whisper, or chooses there; True when it was acked.

        `value` is the chosen option's, or a list of them, or says which of two feedback buttons;
        it or `block_id` tells buttons with the same action_id apart. Raises ValueError if there is
        no such button or option.
        """
        person, _ = self._person_in(who, channel)
        message = self.state.whisper_at(channel, ts) or self._message(channel, ts)
        action = _action(message.blocks, action_id, value, block_id)
        payload = payloads.message_action(self.state, person, message, action)
        return (await self._ask("interactive", payload)).acked

    async def click_in_view(
        self,
        who: str,
        view_id: str,
        action_id: str,
        values: Mapping[str, object] | None = None,
        *,
        value: object = None,
        block_id: str | None = None,
    ) -> bool:
        """Clicks a button of a modal or of the home tab, or chooses `value` there, with `values`
        in the form; True when it was acked. See `click`.
        """
        view = self._view(view_id)
        action = _action(view.blocks, action_id, value, block_id)
        filled = forms.form_values(self.state, view, values or {})
        person = self.state.users[who]
        payload = payloads.view_action(self.state, person, view, action, filled)
        return (await self._ask("interactive", payload)).acked

    async def submit(self, who: str, view_id: str, values: Mapping[str, object]) -> ViewAnswer:
        """Submits a modal with `values` by block_id: text, an option's value, the id of a person
        or place, or a list of these, or of files (see `attach`).

        What the client refuses by itself never reaches the app.
        """
        view = self._view(view_id)
        filled = forms.form_values(self.state, view, values)
        view.errors = forms.client_errors(view.blocks, filled)
        if not view.errors:
            person = self.state.users[who]
            for file in forms.file_ids(filled):
                self.state.files[file].in_form = True
            payload = payloads.view_submission(self.state, person, view, filled)
            reply = await self._ask("interactive", payload)
            modals.apply_reply(self.state, view, reply)
        self.state.changes.notify()
        return ViewAnswer(not view.errors, view.errors)

    async def close_view(self, who: str, view_id: str) -> None:
        """Closes a modal by its cross: only this one, the one below shows again."""
        view = self._view(view_id)
        self.state.views[who].remove(view)
        self.state.changes.notify()
        if view.body.get("notify_on_close"):
            person = self.state.users[who]
            payload = payloads.view_closed(self.state, person, view, cleared=False)
            await self._ask("interactive", payload)

    async def invite(self, channel: str, *, who: str | None = None) -> None:
        """Makes the bot a member."""
        await _acked(conversations.add_bot(self.state, self.state.channels[channel], who))

    async def remove_bot(self, channel: str) -> None:
        self.state.channels[channel].members.discard(self.bot_user)
        self.state.changes.notify()

    async def open_home(self, who: str, tab: HomeTab = "home") -> None:
        """Opens the app's home, or the messages beside it."""
        room = self.state.dm_with_bot(who)
        await _acked(self.state.send_events(events.home_opened(self.state, who, room, tab)))

    async def open_assistant(self, who: str, context_channel: str | None = None) -> str:
        """Begins a chat with the app, looking at a channel or at none; returns its thread_ts.

        What the person says there goes through `say`, in their DM with the app.
        """
        if not self.state.features.assistant:
            raise ValueError("The app's manifest has no assistant_view.")
        room, ts = self.state.dm_with_bot(who), self.state.now()
        root = PostedMessage(ts, room.id, self.bot_user, "New Assistant Thread", bot=True)
        root.pane = Pane(context_channel)
        self.state.add_message(root)
        await _acked(self.state.send_events(events.pane_opened(self.state, root, who)))
        return root.ts

    async def look_at(self, who: str, thread_ts: str, channel: str) -> None:
        """Goes to a channel with the chat `thread_ts` still open beside it."""
        root = self._message(self.dm(who), thread_ts)
        if root.pane is None:
            raise ValueError("This thread is no chat with the app: begin one by open_assistant.")
        root.pane.context = channel
        await _acked(self.state.send_events(events.pane_context(self.state, root, who)))

    async def deliver(self, event: Json, *, event_id: str | None = None) -> bool:
        """Delivers any event; True when the first attempt was acked."""
        return await self._delivery.deliver(events.envelope(self.state, event, event_id))

    # What a test sees

    def messages(self, channel: str, thread_ts: str | None = None) -> list[PostedMessage]:
        """What the channel shows, or a thread with its root first. The objects live on."""
        room = self.state.channels[channel]
        if thread_ts is None:
            return room.roots()
        root = room.message(thread_ts)
        return [*([root] if root else []), *room.replies(thread_ts)]

    def whispers(self, who: str) -> list[PostedMessage]:
        """What only this person saw."""
        return [m for m in self.state.whispers if m.to == who and not m.deleted]

    def views(self, who: str) -> list[OpenView]:
        """Open modals, the topmost last."""
        return list(self.state.views.get(who, []))

    def status(self, channel: str, thread_ts: str) -> ThreadStatus | None:
        """What the app says it is doing in a thread, until it answers there."""
        return self.state.statuses.get((channel, thread_ts))

    def home(self, who: str) -> OpenView | None:
        return self.state.homes.get(who)

    async def until(self, predicate: Callable[[], T], timeout: float = 10.0) -> T:  # noqa: ASYNC109
        """The first truthy value of `predicate`, tried at every change.

        Raises TimeoutError with an outline of the workspace.
        """
        deadline = time.monotonic() + timeout
        while True:
            seen = self.state.changes.count
            if value := predicate():
                return value
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError(f"Waited {timeout} s in vain:\n{self.state.outline()}")
            # What the predicate asks may lie outside the workspace, so it is not left for long.
            await self._change(seen, min(left, 0.1))

    # What goes wrong

    def fail(
        self,
        method: str,
        *,
        error: str | None = None,
        status: int | None = None,
        retry_after: float | None = None,
        drop: Drop | None = None,
        times: int = 1,
    ) -> None:
        """Makes the next `times` calls of `method` ("*": any) fail in one of four ways.

        drop="after": the call takes effect, and the connection closes without an answer.
        """
        self._api.faults.add(method, Fault(error, status, retry_after, drop, times))

    def without(self, *methods: str) -> None:
        """A Slack that does not know these methods."""
        unknown = set(methods) - set(api.METHODS)
        assert not unknown, f"no such methods: {sorted(unknown)}"
        self._api.missing.update(methods)

    def scopes(self, *names: str) -> None:
        """Grants these scopes and no others."""
        self.state.scopes = set(names)

    def revoke(self, scope: str) -> None:
        self.state.scopes.discard(scope)

    async def refresh_sockets(self) -> None:
        """Asks the app to connect anew, as Slack does every few hours."""
        await self._sockets.disconnect()

    def drop_sockets(self) -> None:
        """Breaks the app's connections without a word."""
        self._sockets.drop()

    async def verify_events_url(self) -> bool:
        """Whether the app answers Slack's challenge at `events_url`."""
        assert self.events_url is not None
        self._http.url = self.events_url
        return await self._http.verify()

    # Within

    async def _send(self, kind: EnvelopeKind, payload: Json, attempt: Attempt) -> AppReply:
        if self.events_url is None:
            return await self._sockets.send(kind, payload, attempt)
        self._http.url = self.events_url
        return await self._http.send(kind, payload, attempt)

    async def _ask(self, kind: EnvelopeKind, payload: Json) -> AppReply:
        return await self._delivery.ask(kind, payload)

    async def _change(self, seen: int, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self.state.changes.after(seen)
        except TimeoutError:
            return

    def _person_in(self, who: str, channel: str) -> tuple[User, WorkspaceChannel]:
        person, room = self.state.users[who], self.state.channels[channel]
        if room.archived:
            raise ValueError("The channel is archived.")
        if room.private and who not in room.members:
            raise ValueError(f"{person.name} is not in this channel.")
        room.members.add(who)
        return person, room

    def _command_failed(self, who: str, room: WorkspaceChannel, command: str, error: str) -> str:
        text = f'{command} failed with the error "{error}"'
        self.state.whisper(PostedMessage(self.state.now(), room.id, SLACKBOT, text, to=who))
        return text

    def _message(self, channel: str, ts: str) -> PostedMessage:
        message = self.state.channels[channel].message(ts)
        if message is None:
            raise ValueError(f"There is no message {ts} in this channel.")
        return message

    def _view(self, view_id: str) -> OpenView:
        view = self.state.view(view_id)
        if view is None:
            raise ValueError(f"No view {view_id} is open.")
        return view


async def _acked(acks: Acks) -> None:
    """Waits until each event is acked, or was not in time."""
    await asyncio.gather(*acks)


def _action(rows: list[Json], action_id: str, value: object, block_id: str | None) -> Json:
    found = [
        (block, element)
        for block, element in blocks.interactive_elements(rows)
        if element.get("action_id") == action_id and block_id in (None, block["block_id"])
    ]
    if not found:
        known = [element.get("action_id") for _, element in blocks.interactive_elements(rows)]
        raise ValueError(f"There is no button {action_id!r}, only {known}.")
    named = (pair for pair in found if value is not None and pair[1].get("value") == value)
    return payloads.clicked_action(*next(named, found[0]), value)

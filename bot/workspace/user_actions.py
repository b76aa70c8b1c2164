"""What people do in the workspace, over the wire as Slack does it. Knows no server and no page."""

import time
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from bot.emoji import slacks_name
from bot.workspace import blocks, changes, events, forms, markup, payloads
from bot.workspace.api import views
from bot.workspace.api.access import is_streaming
from bot.workspace.canvas import new_canvas
from bot.workspace.delivery import EventDelivery
from bot.workspace.errors import ApiError
from bot.workspace.events import HomeTab
from bot.workspace.objects import (
    SLACKBOT,
    Enterprise,
    Json,
    OpenView,
    PostedMessage,
    ResponseUrl,
    Restriction,
    User,
    WorkspaceChannel,
    new_id,
)
from bot.workspace.responses import post_response
from bot.workspace.state import State

MAX_GROUP_DM = 9


@dataclass(frozen=True, slots=True)
class CommandAck:
    """The answer to a command: whether in time, what the person then read, after how long."""

    ok: bool
    text: str
    seconds: float


@dataclass(frozen=True, slots=True)
class ViewAnswer:
    """The answer to a submitted view. With `errors`, by block_id, the view stays open."""

    ok: bool
    errors: dict[str, str] = field(default_factory=dict)


class UserActions:
    """The actions of people; `who`, `channel` and the like are ids.

    Each returns when the app has acked what it was sent, or was too late. Each raises ValueError,
    with a sentence, for what Slack's client would not let a person do.
    """

    def __init__(self, state: State, delivery: EventDelivery) -> None:
        self.state = state
        self._delivery = delivery

    # People and places

    def person(
        self,
        name: str,
        *,
        guest: bool = False,
        outsider: bool = False,
        admin: bool = False,
        locale: str = "en-US",
        enterprise: Enterprise | None = None,
        teams: Sequence[str] = (),
        team: str | None = None,
    ) -> str:
        """Add a person and return the id. An outsider belongs to another workspace.

        In an organisation, `teams` are the person's workspaces there, by default this one; Slack
        names one of them, or the organisation, as the person's `team`, by default the first.
        """
        organisation = enterprise or (None if outsider else self.state.enterprise)
        home = new_id("T") if outsider else self.state.team
        places = (tuple(teams) or (home,)) if organisation else ()
        place = team or next(iter(places), home)
        person = User(new_id("U"), name, place, guest, outsider, admin=admin)
        person.locale, person.enterprise, person.teams = locale, organisation, places
        self.state.users[person.id] = person
        self.state.change_signal.notify()
        return person.id

    def channel(
        self,
        name: str,
        *,
        private: bool = False,
        members: Iterable[str] = (),
        bot: bool = True,
        creator: str = "",
    ) -> str:
        """Add a channel and return its id. People join a public one by doing something in it."""
        joined = {*members, *([self.state.bot.id] if bot else []), *filter(None, [creator])}
        channel = self.state.add_channel(name, "group" if private else "channel", joined)
        channel.creator = creator
        return channel.id

    def dm(self, *people: str) -> str:
        """Return the DM of one person with the bot, or a new DM of two people without the bot."""
        if len(people) == 1:
            return self.state.dm_with_bot(people[0]).id
        if len(people) == 2:
            return self.state.add_channel("", "im", people).id
        raise ValueError("A DM is of one person with the bot, or of two people.")

    def group_dm(self, *people: str, bot: bool = True) -> str:
        """Return the group DM of these people, with the bot or without it.

        https://docs.slack.dev/reference/events/message.mpim
        """
        members = {*people, *([self.state.bot.id] if bot else [])}
        if not 3 <= len(members) <= MAX_GROUP_DM:
            raise ValueError(f"A group DM has from 3 to {MAX_GROUP_DM} members.")
        return self.state.group_dm(members).id

    def deactivate(self, who: str) -> None:
        """Take a person's account away, and the person out of all channels."""
        self.state.users[who].deactivated = True
        for channel in self.state.channels.values():
            if channel.kind in ("channel", "group"):
                channel.members.discard(who)
        self.state.change_signal.notify()

    def add_to(self, channel: str, who: str) -> None:
        """Make a person a member, as somebody who invites them does; a guest cannot join."""
        self.state.channels[channel].members.add(who)
        self.state.change_signal.notify()

    def archive(self, channel: str) -> None:
        self.state.channels[channel].archived = True

    def restrict(self, channel: str, restriction: Restriction | None) -> None:
        """Let only admins post, or only in threads, or only outside them, as an admin may."""
        self.state.channels[channel].restriction = restriction

    async def invite(self, channel: str, *, who: str | None = None) -> None:
        """Make the bot a member. To a DM or a group DM nobody can be added."""
        if self.state.channels[channel].kind in ("im", "mpim"):
            raise ValueError("Nobody can be added to this conversation: begin another one.")
        await changes.add_bot(self.state, self.state.channels[channel], who)

    async def remove_bot(self, channel: str) -> None:
        self.state.channels[channel].members.discard(self.state.bot.id)
        self.state.change_signal.notify()

    # Messages

    async def say(
        self,
        who: str,
        channel: str,
        text: str,
        *,
        thread_ts: str | None = None,
        files: Sequence[str] = (),
        broadcast: bool = False,
    ) -> str:
        """Post what a person typed, with files they attached, and return its ts.

        `broadcast` sends a reply of a thread to its channel as well.
        """
        place = self._enter(who, channel)
        ts, written = self.state.now(), self._written(text)
        message = PostedMessage(ts, place.id, who, written, thread_ts=thread_ts)
        message.broadcast, message.client_id = broadcast, str(uuid.uuid4())
        message.files = [self.state.file_of(who, file) for file in files]
        if thread_ts is not None and thread_ts not in place.messages:
            raise ValueError(f"There is no thread {thread_ts} in this channel.")
        await changes.add_message(self.state, message)
        return message.ts

    def attach(self, who: str, name: str, data: bytes, *, mimetype: str | None = None) -> str:
        """Add a file for `say` or for an input of a form, and return its id."""
        if not name or not data:
            raise ValueError("A file needs a name and at least one byte.")
        return self.state.add_file(who, name, data, mimetype).id

    def snippet(self, who: str, text: str, *, title: str = "", name: str = "Untitled") -> str:
        """Add a snippet, which needs no name; Slack knows from its type what it is."""
        file = self.state.add_file(who, name, text.encode(), "text/plain")
        file.title, file.mode, file.filetype = title or name, "snippet", "text"
        return file.id

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
        """Post a file, with a text or alone, and return the message's ts."""
        file = self.attach(who, name, data, mimetype=mimetype)
        return await self.say(who, channel, text, thread_ts=thread_ts, files=[file])

    def write_canvas(self, who: str, title: str, markdown: str) -> str:
        """Write a canvas, for `say` or for an input of a form as a file is, and return its id."""
        canvas = new_canvas(who, title, markdown)
        self.state.add_canvas(canvas)
        return canvas.id

    async def edit(self, who: str, channel: str, ts: str, text: str) -> None:
        """Change what this person typed."""
        message = self._message(who, channel, ts)
        if message.user != who:
            raise ValueError("People edit only their own messages.")
        await changes.edit_text(self.state, message, self._written(text))

    async def delete(self, who: str, channel: str, ts: str) -> None:
        """Delete a message, even of somebody else, as an owner of the workspace may."""
        await changes.remove_message(self.state, self._message(who, channel, ts))

    async def react(self, who: str, channel: str, ts: str, emoji: str) -> None:
        message, name = self._message(who, channel, ts), slacks_name(emoji)
        if who not in message.reactions.get(name, []):
            await changes.add_reaction(self.state, message, who, name)

    async def unreact(self, who: str, channel: str, ts: str, emoji: str) -> None:
        message, name = self._message(who, channel, ts), slacks_name(emoji)
        if who in message.reactions.get(name, []):
            await changes.remove_reaction(self.state, message, who, name)

    # Commands, shortcuts and buttons

    async def command(self, who: str, channel: str, command: str, text: str) -> CommandAck:
        """Send a slash command; return the ack, or the failure as the person sees it."""
        place = self._enter(who, channel)
        payload = payloads.command(self.state, who, place, command, text)
        target = ResponseUrl(place.id, who, time.monotonic())
        started = time.monotonic()
        reply = await self._delivery.ask("slash_commands", payload)
        seconds = time.monotonic() - started
        body, error, text = reply.body or {}, "", ""
        if not reply.acked:
            error = "operation_timeout" if "timeout" in reply.reason else "dispatch_failed"
        elif body.get("text") or body.get("blocks"):
            try:
                shown = post_response(self.state, target, body)
                text = shown.text if shown else ""
            except ApiError:
                error = "invalid_command_response"
        if error:
            text, ts = f'{command} failed with the error "{error}"', self.state.now()
            self.state.whisper(PostedMessage(ts, place.id, SLACKBOT, text, to=who))
        return CommandAck(not error, text, seconds)

    async def shortcut(self, who: str, callback_id: str, *, channel: str | None = None) -> bool:
        """Use a global shortcut, in a channel or in the search; say whether it was acked."""
        self.state.features.check("global", callback_id)
        place = self.state.channels[channel] if channel else None
        payload = payloads.shortcut(self.state, who, callback_id, place)
        return await self._interact(payload)

    async def message_shortcut(self, who: str, channel: str, ts: str, callback_id: str) -> bool:
        """Use a shortcut from the menu of a message; say whether it was acked."""
        self.state.features.check("message", callback_id)
        message = self._message(who, channel, ts)
        payload = payloads.message_shortcut(self.state, who, message, callback_id)
        return await self._interact(payload)

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
        """Click a button of a message or whisper, or choose there; say whether it was acked.

        `value` is the chosen option's, or a list of them, or says which of two feedback buttons;
        it or `block_id` tells buttons with the same action_id apart. Raises ValueError if there is
        no such button or option.
        """
        self._enter(who, channel)
        message = self.state.whisper_at(channel, ts) or self._message(who, channel, ts)
        action = _clicked(message.blocks, action_id, value, block_id)
        return await self._interact(payloads.message_action(self.state, who, message, action))

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
        """Click in a modal or the home tab as `click` does, with `values` filled in so far."""
        view = self._view(view_id)
        action = _clicked(view.blocks, action_id, value, block_id)
        filled = forms.form_values(self.state, view, values or {})
        return await self._interact(payloads.view_action(self.state, who, view, action, filled))

    # Modals, the home tab and the app as an agent

    async def submit(self, who: str, view_id: str, values: Mapping[str, object]) -> ViewAnswer:
        """Submit a modal with `values` by block_id, and return the answer.

        A value is a text, an option's value, the id of a person or place, or a list of these or of
        files (see `attach`). What the client refuses by itself never reaches the app.
        """
        view = self._view(view_id)
        filled = forms.form_values(self.state, view, values)
        view.errors = forms.client_errors(view.blocks, filled)
        if not view.errors:
            for file in forms.file_ids(filled):
                self.state.files[file].in_form = True
            payload = payloads.view_submission(self.state, who, view, filled)
            reply = await self._delivery.ask("interactive", payload)
            views.apply_reply(self.state, view, reply)
        self.state.change_signal.notify()
        return ViewAnswer(not view.errors, view.errors)

    async def close_view(self, who: str, view_id: str) -> None:
        """Close one modal by its cross; the one below it shows again."""
        view = self._view(view_id)
        self.state.views[who].remove(view)
        self.state.change_signal.notify()
        if view.body.get("notify_on_close"):
            await self._interact(payloads.view_closed(self.state, who, view))

    async def open_home(self, who: str, tab: HomeTab = "home") -> None:
        """Open the app's home, or the messages beside it."""
        place = self.state.dm_with_bot(who)
        await self.state.send_events(events.home_opened(self.state, who, place, tab))

    async def look_at(
        self,
        who: str,
        channel: str | None = None,
        *,
        message_ts: str | None = None,
        canvas: str | None = None,
    ) -> None:
        """Go to a channel, to one of its messages, to a canvas, or away, with the app in sight.

        The app is told of all of these, what matters most first.
        """
        if not self.state.features.agent:
            raise ValueError("The app is no agent: its manifest has no agent_view.")
        self.state.looking_at[who] = self._seen(who, channel, message_ts, canvas)
        self.state.change_signal.notify()
        whole = events.context_changed(self.state, who)
        if events.reaches_app(self.state, whole["event"]):
            await self._delivery.deliver(whole)

    async def stop_session(self, who: str, channel: str, thread_ts: str) -> None:
        """Click Slack's own stop button, which a thread has while the app works in it.

        Slack ends the streams; what becomes of the session is the app's business. Without the
        subscription there is no button. https://docs.slack.dev/reference/events/agent_session_stopped
        """
        place = self._enter(who, channel)
        session = self.state.sessions.get((channel, thread_ts))
        if session is None or session.status != "processing":
            raise ValueError("The app is not at work in this thread.")
        if not self.state.features.subscribes("agent_session_stopped"):
            raise ValueError("There is no stop button: the app does not subscribe to it.")
        streams = [m for m in place.replies(thread_ts) if is_streaming(self.state, m)]
        for message in streams:
            with changes.edited_message(self.state, message):
                message.streaming = False
        stopped = [message.ts for message in streams]
        event = events.session_stopped(self.state, who, channel, thread_ts, stopped)
        await self.state.send_events(event)

    # Shared by the above

    async def _interact(self, payload: Json) -> bool:
        return (await self._delivery.ask("interactive", payload)).acked

    def _written(self, text: str) -> str:
        """Return typed text as Slack writes it."""
        people = {user.name: user.id for user in self.state.users.values()}
        channels = {c.name: c.id for c in self.state.channels.values() if c.name}
        return markup.typed_to_mrkdwn(text, people, channels)

    def _enter(self, who: str, channel: str) -> WorkspaceChannel:
        """Return the channel, which the person joins. Raises ValueError if they cannot."""
        place = self.state.channels[channel]
        if place.archived:
            raise ValueError("The channel is archived.")
        if self.state.users[who].deactivated:
            raise ValueError(f"{self.state.users[who].name} has no account any more.")
        if not self.state.sees(who, place):
            raise ValueError(f"{self.state.users[who].name} is not in this channel.")
        place.members.add(who)
        return place

    def _seen(
        self, who: str, channel: str | None, message_ts: str | None, canvas: str | None
    ) -> list[Json]:
        """Return what a person looks at as entities, in the order of their relevance."""
        named: list[tuple[str, object]] = []
        if channel and not self.state.sees(who, self.state.channels[channel]):
            raise ValueError(f"{self.state.users[who].name} is not in this channel.")
        if message_ts:
            named.append(("message_context", {"message_ts": message_ts, "channel_id": channel}))
        if canvas:
            named.append(("canvas_id", canvas))
        if channel:
            named.append(("channel_id", channel))
        team = self.state.team
        return [{"type": f"slack#/types/{k}", "value": v, "team_id": team} for k, v in named]

    def _message(self, who: str, channel: str, ts: str) -> PostedMessage:
        message = self._enter(who, channel).message(ts)
        if message is None:
            raise ValueError(f"There is no message {ts} in this channel.")
        return message

    def _view(self, view_id: str) -> OpenView:
        view = self.state.view(view_id)
        if view is None:
            raise ValueError(f"No view {view_id} is open.")
        return view


def _clicked(rows: list[Json], action_id: str, value: object, block_id: str | None) -> Json:
    """Return the action of a click on the element that these ids and this value name."""
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

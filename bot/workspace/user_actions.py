"""What people do in the workspace, over the wire as Slack does it. Knows no server and no page."""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from bot.emoji import slacks_name
from bot.workspace import blocks, changes, events, forms, markup, payloads
from bot.workspace.api import views
from bot.workspace.delivery import EventDelivery
from bot.workspace.errors import ApiError
from bot.workspace.events import HomeTab
from bot.workspace.objects import (
    SLACKBOT,
    Json,
    OpenView,
    Pane,
    PostedMessage,
    ResponseUrl,
    User,
    WorkspaceChannel,
    new_id,
)
from bot.workspace.responses import post_response
from bot.workspace.state import State


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
        self, name: str, *, guest: bool = False, outsider: bool = False, locale: str = "en-US"
    ) -> str:
        """Add a person and return the id. An outsider belongs to another workspace."""
        team = new_id("T") if outsider else self.state.team
        person = User(new_id("U"), name, team, guest, outsider, locale=locale)
        self.state.users[person.id] = person
        self.state.change_signal.notify()
        return person.id

    def channel(
        self, name: str, *, private: bool = False, members: Iterable[str] = (), bot: bool = True
    ) -> str:
        """Add a channel and return its id. People join a public one by doing something in it."""
        joined = {*members, *([self.state.bot.id] if bot else [])}
        return self.state.add_channel(name, "group" if private else "channel", joined).id

    def dm(self, *people: str) -> str:
        """Return the DM of one person with the bot, or a new DM of two people without the bot."""
        if len(people) == 1:
            return self.state.dm_with_bot(people[0]).id
        if len(people) == 2:
            return self.state.add_channel("", "im", people).id
        raise ValueError("A DM is of one person with the bot, or of two people.")

    def archive(self, channel: str) -> None:
        self.state.channels[channel].archived = True

    async def invite(self, channel: str, *, who: str | None = None) -> None:
        """Make the bot a member."""
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
    ) -> str:
        """Post what a person typed, with files they attached, and return its ts."""
        place = self._enter(who, channel)
        people = {user.name: user.id for user in self.state.users.values()}
        channels = {c.name: c.id for c in self.state.channels.values() if c.name}
        written = markup.typed_to_mrkdwn(text, people, channels)
        message = PostedMessage(self.state.now(), place.id, who, written, thread_ts=thread_ts)
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

    # Modals, the home tab and chats with the app

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

    async def open_assistant(self, who: str, context_channel: str | None = None) -> str:
        """Begin a chat with the app, with a channel in sight or none, and return its thread_ts.

        What the person says there goes through `say`, in their DM with the app.
        """
        if not self.state.features.assistant:
            raise ValueError("The app's manifest has no assistant_view.")
        place = self.state.dm_with_bot(who)
        root = self.state.new_bot_message(place.id, "New Assistant Thread")
        root.pane = Pane(context_channel)
        self.state.add_message(root)
        event = events.pane_event(self.state, "assistant_thread_started", root, who)
        await self.state.send_events(event)
        return root.ts

    async def look_at(self, who: str, thread_ts: str, channel: str) -> None:
        """Go to a channel while the chat `thread_ts` stays open beside it."""
        root = self._message(who, self.dm(who), thread_ts)
        if root.pane is None:
            raise ValueError("This thread is no chat with the app: begin one by open_assistant.")
        root.pane.context = channel
        event = events.pane_event(self.state, "assistant_thread_context_changed", root, who)
        await self.state.send_events(event)

    # Shared by the above

    async def _interact(self, payload: Json) -> bool:
        return (await self._delivery.ask("interactive", payload)).acked

    def _enter(self, who: str, channel: str) -> WorkspaceChannel:
        """Return the channel, which the person joins. Raises ValueError if they cannot."""
        place = self.state.channels[channel]
        if place.archived:
            raise ValueError("The channel is archived.")
        if not place.visible_to(who):
            raise ValueError(f"{self.state.users[who].name} is not in this channel.")
        place.members.add(who)
        return place

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

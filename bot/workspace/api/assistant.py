"""assistant.threads.setStatus: "is writing ..." under a thread."""

from ..state import Json, State
from .access import entered, thread_of
from .args import Args


def set_status(state: State, args: Args) -> Json:
    """https://docs.slack.dev/reference/methods/assistant.threads.setStatus

    An empty status clears; so does a message of the app in the thread."""
    channel = entered(state, Args({"channel": args.text("channel_id") or args.text("channel")}))
    key = (channel.id, thread_of(channel, args.need("thread_ts")) or "")
    state.statuses.pop(key, None)
    if args.text("status"):
        state.statuses[key] = args.text("status")
    state.changes.tell()
    return {}

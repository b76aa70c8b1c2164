"""files.list: the files that the app can see, the newest first."""

from bot.workspace.api.access import visible_file
from bot.workspace.api.methods import MethodArgs, api_method
from bot.workspace.canvas import Canvas
from bot.workspace.errors import ApiError
from bot.workspace.objects import Json, UploadedFile
from bot.workspace.rate_limits import TIER_3
from bot.workspace.slack_json import file_json
from bot.workspace.state import State

# Those of the page, and the one that the page of canvases adds; the app's files here are of few.
TYPES = {"all", "spaces", "snippets", "images", "gdocs", "zips", "pdfs", "canvas"}


@api_method("files.list", "files:read", limit=TIER_3)
def list_files(state: State, args: MethodArgs) -> Json:
    """Return a page of the files, by channel, person, time (inclusive) and type."""
    types = set((args.text("types") or "all").split(","))
    if not types <= TYPES:
        raise ApiError("unknown_type")
    if args.text("user") and args.text("user") not in state.users:
        raise ApiError("user_not_found")
    found = [f for f in state.files.values() if _is_asked_for(state, f, args, types)]
    found.sort(key=lambda file: file.created, reverse=True)
    count, page = args.number("count", 100, 1000), args.number("page", 1, 10_000)
    pages = -(-len(found) // count)
    some = found[(page - 1) * count : page * count]
    paging = {"count": count, "total": len(found), "page": page, "pages": pages}
    return {"files": [file_json(state, file) for file in some], "paging": paging}


def _is_asked_for(state: State, file: UploadedFile, args: MethodArgs, types: set[str]) -> bool:
    try:
        visible_file(state, file.id)
    except ApiError:
        return False
    first, last = float(args.text("ts_from") or 0), float(args.text("ts_to") or "inf")
    return (
        args.text("channel") in {"", *file.channels}
        and args.text("user") in ("", file.user)
        and first <= file.created <= last
        and ("all" in types or ("canvas" in types and isinstance(file, Canvas)))
    )

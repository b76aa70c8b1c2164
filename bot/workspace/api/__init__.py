"""The Web API. To import it is to fill the table of its methods."""

# ruff: noqa: F401
from bot.workspace.api import (
    agents,
    apps,
    assistant,
    canvases,
    chat,
    conversations,
    file_list,
    files,
    reactions,
    streams,
    users,
    views,
)

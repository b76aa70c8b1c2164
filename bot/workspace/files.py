"""A file that somebody uploaded, or is about to. Knows no HTTP."""

import mimetypes
from dataclasses import dataclass, field

FORM_BYTES = 10_000_000
NAMES = {"txt": "text", "md": "markdown", "jpeg": "jpg"}


@dataclass(slots=True, eq=False)
class UploadedFile:
    """A file and where it may be seen: in `channels`, and by the app once a form brought it.

    `data` is None from the moment its upload was announced until it came.
    """

    id: str
    name: str
    user: str
    created: int
    mimetype: str
    data: bytes | None = None
    title: str = ""
    size: int = 0
    channels: set[str] = field(default_factory=set)
    in_form: bool = False

    def __post_init__(self) -> None:
        assert self.name, "a file has a name"
        self.title = self.title or self.name
        if self.data is not None:
            self.size = len(self.data)

    @property
    def extension(self) -> str:
        return self.name.rpartition(".")[2].lower() if "." in self.name else ""

    @property
    def kind(self) -> str:
        """Slack's word for the type, https://docs.slack.dev/reference/objects/file-object"""
        return NAMES.get(self.extension, self.extension or "binary")


def mimetype_of(name: str) -> str:
    return mimetypes.guess_type(name)[0] or "application/octet-stream"

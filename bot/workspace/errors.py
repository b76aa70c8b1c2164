"""How the Web API says no: HTTP 200 with `ok: false` and one word."""


class ApiError(Exception):
    """A refused call. `error` is Slack's word for it; `extra` goes into the answer beside it."""

    def __init__(self, error: str, **extra: object) -> None:
        super().__init__(error)
        self.error = error
        self.extra = extra


def invalid(error: str, *messages: str) -> ApiError:
    """Build the error that lists each faulty place, as Slack does for blocks and views."""
    return ApiError(error, response_metadata={"messages": list(messages)})


def error_at(what: str, where: str) -> str:
    """Say what is wrong at a JSON pointer, in Slack's form."""
    return f"[ERROR] {what} [json-pointer:{where}]"


def missing_argument(name: str) -> ApiError:
    return invalid("invalid_arguments", f"[ERROR] missing required field: {name}")

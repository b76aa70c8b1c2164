"""How the Web API says no: HTTP 200 with `ok: false` and a word."""


class ApiError(Exception):
    """`error` is Slack's word for it; `extra` goes into the answer beside it."""

    def __init__(self, error: str, **extra: object) -> None:
        super().__init__(error)
        self.error = error
        self.extra = extra


def invalid(error: str, messages: list[str]) -> ApiError:
    """An answer that points at the faulty places, as Slack's block and view validation does."""
    return ApiError(error, response_metadata={"messages": messages})

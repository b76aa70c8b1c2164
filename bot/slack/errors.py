"""What can go wrong at the door, in three kinds that a caller can act on."""


class SlackError(Exception):
    """Slack did not do what was asked. Holds codes only, never a text of a person or the model."""


class SlackUnavailable(SlackError):
    """Slack did not answer after several tries: take the work up again later."""


class NotThere(SlackError):
    """The channel or message is gone, or closed to the app. `reason` is Slack's code."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    @property
    def deleted(self) -> bool:
        """Whether somebody deleted the message, rather than closed the place to us."""
        return self.reason == "message_not_found"


class SlackRefused(SlackError):
    """Slack refused the call: a bug of ours, or a scope that the app lacks (`needed`)."""

    def __init__(self, error: str, needed: str = "") -> None:
        super().__init__(f"{error} (needs {needed})" if needed else error)
        self.error = error
        self.needed = needed


class RateLimited(SlackError):
    """The budget of the method is used up; nothing was done. Does not leave this package."""


class AnswerLost(SlackError):
    """No answer, or a server error: the call may have taken effect. Does not leave this package."""

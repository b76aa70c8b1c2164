"""Who waits for the worker."""


class Queue:
    """Requests that the worker has not begun to answer, in the order of their coming."""

    def __init__(self) -> None:
        self._waiting: dict[int, None] = {}

    def enter(self, job_id: int) -> None:
        """At the end; once."""
        self._waiting.setdefault(job_id)

    def leave(self, job_id: int) -> None:
        """The first words came, or it was given up."""
        self._waiting.pop(job_id, None)

    def before(self, job_id: int) -> int:
        """How many are before this one."""
        return list(self._waiting).index(job_id) if job_id in self._waiting else 0

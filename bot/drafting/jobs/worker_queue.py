"""Who waits for the worker."""


class WorkerQueue:
    """Jobs to whose requests the worker has not begun to answer, first come first."""

    def __init__(self) -> None:
        self._waiting: dict[int, None] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def enter(self, job_id: int) -> None:
        """Take a place at the end, once."""
        self._waiting.setdefault(job_id)

    def leave(self, job_id: int) -> None:
        """Give the place up: the first words came, or nothing will."""
        self._waiting.pop(job_id, None)

    def before(self, job_id: int) -> int:
        """Return how many are before this one."""
        return list(self._waiting).index(job_id) if job_id in self._waiting else 0

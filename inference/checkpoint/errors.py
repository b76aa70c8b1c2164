"""What is said of a model that cannot be served."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from inference.errors import OperatorError


class ModelError(OperatorError):
    """A model that cannot be served. The message is one sentence: which file, what is wrong."""


@contextmanager
def must_fit(path: Path, what: str) -> Iterator[None]:
    """Whatever goes wrong inside becomes a ModelError: `what` of the file cannot be used, why."""
    try:
        yield
    except ModelError:
        raise
    except Exception as error:
        reason = str(error).strip().partition("\n")[0] or type(error).__name__
        raise ModelError(f"{path}: {what} cannot be used ({reason[:200]}).") from error

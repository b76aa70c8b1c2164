"""What is wrong with a model that cannot be served."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from inference.errors import OperatorError


class ModelError(OperatorError):
    """A model that cannot be served. The sentence says which file, and what is wrong with it."""


@contextmanager
def model_errors(path: Path, what: str) -> Iterator[None]:
    """Raise every error inside as a ModelError: `what` of the file cannot be used, and why."""
    try:
        yield
    except ModelError:
        raise
    except Exception as error:
        reason = str(error).strip().partition("\n")[0] or type(error).__name__
        raise ModelError(f"{path}: {what} cannot be used ({reason[:200]}).") from error

"""Rows that are due from a moment on, each claimed by one bot at a time until then."""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Update, and_, or_, update
from sqlalchemy.orm import InstrumentedAttribute

from bot.store.moments import Moment

DueColumn = InstrumentedAttribute[datetime | None]


def set_due(column: DueColumn, seconds: float = 0.0) -> Update:
    """Return an update by which rows are due in so many seconds."""
    # What the session holds of the rows is not read again.
    quiet: dict[str, Any] = {"synchronize_session": False}
    return update(column.class_).values({column.key: Moment(seconds)}).execution_options(**quiet)


def is_due(column: DueColumn, claim: float) -> ColumnElement[bool]:
    """Match rows that are due; a claim that lies too far ahead is a clock's mistake.

    `claim`: seconds for which a row is left to whoever took it on.
    """
    # The first is for the index, which knows nothing of a clock that goes on.
    at_once = or_(column <= Moment(), column > Moment(2 * claim))
    return and_(column.is_not(None), at_once)

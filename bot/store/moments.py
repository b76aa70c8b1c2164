"""Moments by the database's clock: bots on several machines have clocks that disagree."""

from typing import Any

from sqlalchemy import literal
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from bot.store.models import UtcDateTime


class Moment(FunctionElement[Any]):
    """So many seconds from now, by the database's clock."""

    inherit_cache = True
    type = UtcDateTime()

    def __init__(self, seconds: float = 0.0) -> None:
        super().__init__(literal(float(seconds)))


@compiles(Moment, "postgresql")
def _on_postgresql(moment: Moment, compiler: SQLCompiler, **options: Any) -> str:
    seconds = compiler.process(moment.clauses, **options)
    return f"(clock_timestamp() + {seconds} * interval '1 second')"


@compiles(Moment, "sqlite")
def _on_sqlite(moment: Moment, compiler: SQLCompiler, **options: Any) -> str:
    # As SQLAlchemy writes a moment: with six digits, of which SQLite knows three.
    seconds = compiler.process(moment.clauses, **options)
    return f"strftime('%Y-%m-%d %H:%M:%f000', 'now', {seconds} || ' seconds')"

"""The rows that checks give: printed as they come, kept as JSON, and as tables for a README."""

import json
from dataclasses import dataclass, field
from pathlib import Path

Value = str | int | float | bool
Row = dict[str, Value]
"""One finding, by the names of its columns."""


@dataclass(slots=True)
class Report:
    """All rows by check, in files of `directory`. They are written after each row: what comes later
    may end the process.
    """

    directory: Path
    about: Row
    rows: dict[str, list[Row]] = field(default_factory=dict)

    @property
    def file(self) -> Path:
        return self.directory / "gpu_check.json"

    def begin(self, check: str) -> None:
        self.rows.setdefault(check, [])
        self._write()

    def add(self, check: str, row: Row) -> None:
        """Print a row and keep it."""
        self.rows.setdefault(check, []).append(row)
        print(f"{check}: " + ", ".join(f"{name} {shown(v)}" for name, v in row.items()), flush=True)
        self._write()

    def resume(self) -> None:
        """Take over the rows of a process that has ended."""
        if self.file.is_file():
            self.rows = json.loads(self.file.read_text())["rows"]

    def markdown(self) -> str:
        """Return a table for each check."""
        about = ", ".join(f"{name} {shown(value)}" for name, value in self.about.items())
        return "\n".join([about, "", *(table(check, rows) for check, rows in self.rows.items())])

    def _write(self) -> None:
        data = {"about": self.about, "rows": self.rows}
        self.file.write_text(json.dumps(data, indent=1) + "\n")
        (self.directory / "gpu_check.md").write_text(self.markdown())


def table(check: str, rows: list[Row]) -> str:
    """Return rows as Markdown; a column is empty where a row does not have it."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    lines = [[shown(row[name]) if name in row else "" for name in columns] for row in rows]
    cells = [columns, ["---"] * len(columns), *lines] if columns else []
    body = [f"| {' | '.join(text.replace('|', '/') for text in line)} |" for line in cells]
    return "\n".join([f"**{check}**", "", *body, ""])


def shown(value: Value) -> str:
    """Return a value for people: three digits that count."""
    match value:
        case bool():
            return "yes" if value else "no"
        case int():
            return f"{value:,}"
        case float():
            return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
        case _:
            return value

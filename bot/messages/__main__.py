"""`python -m bot.messages` writes `names.py` anew, after the names of en.toml were changed."""

import textwrap
import tomllib
from pathlib import Path


def write_names(folder: Path) -> None:
    """Write the names of the folder's en.toml into its names.py."""
    words = tomllib.loads((folder / "en.toml").read_text(encoding="utf-8"))
    names = ", ".join(f'"{name}"' for name in sorted(words))
    lines = textwrap.indent(textwrap.fill(names, width=96), "    ")
    module = folder / "names.py"
    before, begin, rest = module.read_text(encoding="utf-8").partition("Literal[\n")
    _, end, after = rest.partition("\n]\n")
    module.write_text(before + begin + lines + end + after, encoding="utf-8")


if __name__ == "__main__":
    write_names(Path(__file__).parent)

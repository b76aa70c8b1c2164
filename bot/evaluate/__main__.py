"""`python -m bot.evaluate`: write the texts of all briefs, and check them.

`compare A B` tells two runs apart, `check RUN` judges written texts anew,
`measures RUN` says how good the four measures of drafts are, `marked RUN` whether the draft that
they mark is the better one.
"""

import argparse
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from bot.cli import run_command
from bot.drafting.brief.options import Options
from bot.errors import OperatorError
from bot.evaluate import marked, measures
from bot.evaluate.arguments import count
from bot.evaluate.cases import chosen, load_cases
from bot.evaluate.compare import comparison
from bot.evaluate.report import tables
from bot.evaluate.results import COMPARISON, TABLES, Journal, load
from bot.evaluate.session import Plan, Variant, checked_again, measure
from bot.settings import Settings

OUT = Path("evaluation")
MOST_DRAFTS = 5
# Options that change nothing here.
WITHOUT_EFFECT = {"n": "use --n", "best": "use --n", "private": "nothing is posted"}


def main() -> int:
    """Return the exit code: 0, or 1 or 2 with one line that says what is wrong."""
    arguments = sys.argv[1:]
    command = COMMANDS.get(arguments[0]) if arguments else None
    if command is not None:
        return command(arguments[1:])
    return _write(arguments)


def _write(arguments: list[str]) -> int:
    return run_command(_measure(_parser().parse_args(arguments)))


async def _measure(options: argparse.Namespace) -> int:
    languages = options.languages or ",".join(Settings().model_languages)
    cases = chosen(
        load_cases(),
        kinds=options.only,
        languages=languages.split(","),
        half=options.half,
        limit=options.limit,
    )
    if not cases:
        raise OperatorError("No brief is of that kind, language and half.")
    variants = _variants(options)
    runs = await measure(Plan(cases, options.seed, options.n, options.concurrency), variants)
    for run, variant in zip(runs, variants, strict=True):
        _tell(tables(run), variant.folder / TABLES)
    if len(runs) > 1:
        _tell(comparison(*runs), options.out / COMPARISON)
    return 0


def _variants(options: argparse.Namespace) -> list[Variant]:
    """Return one way of writing, or two where anything is to be compared."""
    first = Variant(
        options.url, options.model, options.recipes, dict(options.set), options.out, options.resume
    )
    against = (
        options.against_url,
        options.against_model,
        options.against_recipes,
        options.against,
    )
    if not any(against):
        return [first]
    second = replace(
        first,
        url=options.against_url or first.url,
        model=options.against_model or (None if options.against_url else first.model),
        recipes=options.against_recipes or first.recipes,
        chosen={**first.chosen, **dict(options.against)},
        folder=options.out / "second",
    )
    return [replace(first, folder=options.out / "first"), second]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bot.evaluate", description=__doc__)
    which = parser.add_argument_group("which briefs")
    which.add_argument("--only", action="append", default=[], metavar="KIND", help="again for more")
    which.add_argument("--languages", help="en, zh or en,zh; by default those of MODEL_LANGUAGES")
    which.add_argument("--half", choices=("open", "held-back"), help="by default both")
    which.add_argument("--limit", type=count, help="at most so many, from all kinds in turn")
    how = parser.add_argument_group("how they are written")
    how.add_argument("--n", type=_drafts, default=1, help="drafts of each brief, 1 to 5")
    how.add_argument("--seed", type=int, default=0)
    how.add_argument("--concurrency", type=count, default=8, help="briefs at once")
    how.add_argument("--url", help="the server; by default WORKER_URL, or its own worker")
    how.add_argument("--model", help="a name that the server knows; by default its first")
    how.add_argument("--recipes", type=Path, help="a folder of recipes, as RECIPES names")
    how.add_argument("--set", action="append", default=[], type=_pair, metavar="OPTION=VALUE")
    how.add_argument("--out", type=Path, default=OUT, help=f"the folder of results, {OUT}/")
    how.add_argument("--resume", action="store_true", help="go on with the texts in --out")
    other = parser.add_argument_group("a second way of writing, to compare; all else is alike")
    other.add_argument("--against", action="append", default=[], type=_pair, metavar="OPTION=VALUE")
    other.add_argument("--against-recipes", type=Path)
    other.add_argument("--against-url")
    other.add_argument("--against-model")
    return parser


def _pair(typed: str) -> tuple[str, str]:
    name, _, value = typed.partition("=")
    if name in WITHOUT_EFFECT:
        raise argparse.ArgumentTypeError(f"{typed} changes nothing: {WITHOUT_EFFECT[name]}")
    if name not in Options.model_fields or not value:
        raise argparse.ArgumentTypeError(f"{typed} is no option=value of a brief")
    return name, value


def _drafts(typed: str) -> int:
    if not typed.isdecimal() or not 1 <= int(typed) <= MOST_DRAFTS:
        raise argparse.ArgumentTypeError(f"{typed} is not 1 to {MOST_DRAFTS}")
    return int(typed)


def _tell(words: str, file: Path) -> None:
    file.write_text(words, encoding="utf-8")
    print(words)


def _compare(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m bot.evaluate compare")
    parser.add_argument("first", type=Path, help="the folder of a run, or its results.json")
    parser.add_argument("second", type=Path)
    options = parser.parse_args(arguments)

    async def compare() -> int:
        print(comparison(load(options.first), load(options.second)))
        return 0

    return run_command(compare())


def _check(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m bot.evaluate check")
    parser.add_argument("run", type=Path, help="the folder of a run")
    options = parser.parse_args(arguments)

    async def check() -> int:
        run = checked_again(load(options.run))
        Journal(options.run).save(run)
        _tell(tables(run), options.run / TABLES)
        return 0

    return run_command(check())


COMMANDS: Mapping[str, Callable[[list[str]], int]] = {
    "compare": _compare,
    "check": _check,
    "measures": measures.main,
    "marked": marked.main,
}


if __name__ == "__main__":
    sys.exit(main())

"""`python -m tests.failures STYLE`: every way in which an error's text could reach stderr.

Each with a word that must not, in logs of this style. The last one ends the process.
"""

import asyncio
import gc
import logging
import sys
import threading
import time
import warnings
from collections.abc import Callable

import structlog
from aiohttp import ClientSession, web
from pydantic import BaseModel
from sqlalchemy import create_engine, text

from inference.logs import configure, guard_crashes
from tests.canary import canary

WORD = canary("error")
log = structlog.get_logger("failures")


class Body(BaseModel):
    words: int


def wrong() -> None:
    """Raise an error that quotes the word, as does the one behind it."""
    try:
        raise KeyError(WORD)
    except KeyError as error:
        raise ValueError(f"no {WORD}") from error


async def a_task_that_nobody_asks() -> None:
    async def fail() -> None:
        wrong()

    task = asyncio.create_task(fail())
    await asyncio.wait([task])
    del task
    gc.collect()


async def a_callback() -> None:
    asyncio.get_running_loop().call_soon(lambda _: wrong(), WORD)
    await asyncio.sleep(0)
    await asyncio.sleep(0)


async def a_slow_callback() -> None:
    asyncio.get_running_loop().set_debug(True)
    asyncio.get_running_loop().call_soon(lambda _: time.sleep(0.2), WORD)
    await asyncio.sleep(0.3)


async def a_server() -> None:
    async def answer(_: web.Request) -> web.Response:
        wrong()
        return web.Response()

    async def nonsense(port: int, data: str) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(data.encode())
        await reader.read()
        writer.close()

    app = web.Application()
    app.router.add_post("/", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = runner.addresses[0][1]
    async with ClientSession() as session, session.post(f"http://127.0.0.1:{port}/", data=WORD):
        pass
    await nonsense(port, f"{WORD}\r\n\r\n")
    await nonsense(port, f"POST / HTTP/1.1\r\nHost: a\r\n{WORD}\r\n\r\n")
    await runner.cleanup()


def a_thread() -> None:
    thread = threading.Thread(target=wrong)
    thread.start()
    thread.join()


def a_finaliser() -> None:
    class Kept:
        def __del__(self) -> None:
            wrong()

        def __repr__(self) -> str:
            return WORD

    kept = Kept()
    del kept


def an_exception_of_our_own() -> None:
    try:
        wrong()
    except ValueError as error:
        log.exception("broken")
        log.error("broken", exc_info=error)
        log.error("broken", exc_info=True)


def a_library() -> None:
    library = logging.getLogger("slack_bolt.App")
    library.error("Failed to run %s (error: %s)", "a listener", WORD)
    library.warning(f"Unhandled request {{'text': '{WORD}'}}", stack_info=True)
    library.error("%d of it", WORD)
    try:
        wrong()
    except ValueError:
        library.exception("Failed: %s", WORD)


def a_database() -> None:
    engine = create_engine("sqlite://", hide_parameters=True)
    try:
        with engine.begin() as connection:
            connection.execute(text("SELECT :word FROM nowhere"), {"word": WORD})
    except Exception:
        logging.getLogger("sqlalchemy").exception("failed")


def a_validation() -> None:
    try:
        Body.model_validate({"words": WORD})
    except ValueError:
        logging.getLogger("pydantic").exception("failed")


def a_warning() -> None:
    async def never(_: str) -> None: ...

    warnings.simplefilter("always")
    never(WORD)  # type: ignore[unused-coroutine]
    gc.collect()


FAILURES: list[Callable[[], object]] = [
    a_task_that_nobody_asks,
    a_callback,
    a_slow_callback,
    a_server,
    a_thread,
    a_finaliser,
    an_exception_of_our_own,
    a_library,
    a_database,
    a_validation,
    a_warning,
    wrong,
]


def main() -> None:
    assert sys.argv[1] in ("console", "json")
    configure("json" if sys.argv[1] == "json" else "console")
    guard_crashes()
    for failure in FAILURES:
        print(f"== {failure.__name__}", file=sys.stderr, flush=True)
        work = failure()
        if asyncio.iscoroutine(work):
            asyncio.run(work)


if __name__ == "__main__":
    main()

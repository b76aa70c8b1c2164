"""`python -m tests.pictures .github`: takes the pictures for the pages about the app.

Bot, workspace, page and model are those of `make demo`. Only Chinese, which the model cannot write,
is scripted. Needs Chromium and a Chinese font.
"""

import asyncio
import logging
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from selenium.webdriver.common.keys import Keys

from bot.app import running
from bot.cli.demo import stage
from bot.slack.manifest import manifest
from bot.workspace import Workspace, cast
from inference.logs import configure
from tests.person import Person, settings_for
from tests.reader import Reader, opened_browser
from tests.scripted_engine import ScriptedEngine

SIZE = {"width": 1200, "deviceScaleFactor": 1, "mobile": False}
PATIENCE = 60.0
BRIEF = "n=2 network=x seed=3 our new office in Lisbon"
SLIP = 'tones=friendly words=300 audience="new colleagues" blog: our new office in Lisbon'
CHINESE = "我们在里斯本的新办公室星期一开业。\n\n窗外就是河，可以坐四十个人。欢迎来喝第一杯咖啡。"


async def take(folder: Path) -> None:
    """Take every picture, each a PNG in the folder."""
    with opened_browser() as browser:
        async with stage() as (workspace, _):
            camera = Camera(Reader(browser, workspace.url), folder)
            people = cast.enter(workspace)
            ana = Person(workspace, people.ana, people.launch)
            await _forms(camera)
            await _thread(camera, ana)
            await _pages(camera, ana)
            await _canvas(camera)
            await _own_place(camera)
        await _chinese(Camera(camera.reader, folder))


@dataclass(frozen=True, slots=True)
class Camera:
    """Takes pictures of what the reader sees."""

    reader: Reader
    folder: Path

    async def shoot(self, name: str, height: int = 800) -> None:
        """Take a picture once the page has come to rest."""
        size = ("Emulation.setDeviceMetricsOverride", {**SIZE, "height": height})
        await asyncio.to_thread(self.reader.browser.execute_cdp_cmd, *size)
        await asyncio.sleep(0.5)
        file = self.folder / f"{name}.png"
        await asyncio.to_thread(self.reader.browser.save_screenshot, str(file))
        print(f"{file}  {file.stat().st_size / 1000:.0f} kB", flush=True)


async def _forms(camera: Camera) -> None:
    reader = camera.reader
    await reader.open("ana", "launch")
    await reader.type("#composer-text", "/draft", Keys.ENTER)
    await reader.choose("#input-kind", "blog")
    await reader.type("#input-brief", "our new office in Lisbon")
    await camera.shoot("form", 1120)
    await _close(reader)
    await reader.type("#composer-text", f"/draft {SLIP}", Keys.ENTER)
    await reader.see("#modal", "use tone")
    await camera.shoot("slip")
    await _close(reader)


async def _close(reader: Reader) -> None:
    await reader.click("#modal footer .button")
    await reader.not_see("#modal")


async def _thread(camera: Camera, ana: Person) -> None:
    reader = camera.reader
    await reader.type("#composer-text", f"/draft {BRIEF}", Keys.ENTER)
    await reader.see("#replies")
    await ana.sees_drafts(2, PATIENCE)
    await camera.shoot("workspace")


async def _pages(camera: Camera, ana: Person) -> None:
    reader = camera.reader
    await reader.type("#reply-text", "1: make it more formal", Keys.ENTER)
    await ana.sees_drafts(3, PATIENCE)
    for page in ("changes", "why"):
        await reader.pick("#replies li:last-child .block-actions", page)
        await reader.see("#modal")
        await camera.shoot(page)
        await _close(reader)


async def _canvas(camera: Camera) -> None:
    reader = camera.reader
    await reader.click('#replies li:nth-child(3) [data-action="accept_form"]')
    await reader.click('#modal input[value="canvas"]')
    await reader.click('#modal [type="submit"]')
    await reader.see("#replies li:last-child", "was posted to")
    await reader.click("#canvases button")
    await reader.see("#canvas-title")
    await camera.shoot("canvas")
    await reader.click("#canvas header button")
    await reader.not_see("#canvas")


async def _own_place(camera: Camera) -> None:
    reader = camera.reader
    await reader.click('#dms [data-channel="draftsmith"]')
    await reader.click("#tab-home")
    await reader.see("#home", "our new office")
    await camera.shoot("home")
    await reader.click("#tab-messages")
    await reader.see("#prompts")
    await camera.shoot("chat", 560)


async def _chinese(camera: Camera) -> None:
    made = manifest("Draftsmith", "/draft")
    with tempfile.TemporaryDirectory() as folder:
        async with (
            ScriptedEngine(lambda _: CHINESE) as engine,
            Workspace(manifest=made) as workspace,
        ):
            settings = settings_for(
                workspace, engine.url, Path(folder), model_languages=["en", "zh"]
            )
            mei = workspace.person("mei", locale="zh-CN")
            person = Person(workspace, mei, workspace.channel("launch"))
            async with running(settings):
                reader = Reader(camera.reader.browser, workspace.url)
                await reader.open("mei", "launch")
                await reader.type("#composer-text", "/draft 博客：里斯本的新办公室", Keys.ENTER)
                await person.sees_drafts(1)
                await reader.see("#replies .button.primary")
                await reader.type("#reply-text", "短一些")
                await camera.shoot("chinese", 560)


if __name__ == "__main__":
    configure("console", logging.WARNING)
    asyncio.run(take(Path(sys.argv[1])))

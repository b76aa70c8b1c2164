"""A person at the workspace's page, in a real browser."""

import asyncio
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select, WebDriverWait

T = TypeVar("T")

SIZE = (1360, 860)
PATIENCE = 30.0  # seconds, for a machine that has much to do
FLAGS = ("headless=new", "no-sandbox", "disable-gpu", "disable-background-networking")


@contextmanager
def opened_browser() -> Iterator[webdriver.Chrome]:
    """Yield a Chromium without a window."""
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    assert chromium, "apt-get install chromium"
    assert driver, "apt-get install chromium-driver"
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in (*FLAGS, f"window-size={SIZE[0]},{SIZE[1]}"):
        options.add_argument(f"--{flag}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    opened = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    try:
        yield opened
    finally:
        opened.quit()


def reply(number: int, inside: str = "") -> str:
    """Return the selector of a place in a reply of the thread."""
    return f"#replies li:nth-child({number + 1}) {inside}".strip()


def row(number: int) -> str:
    """Return the selector of the buttons under a draft in a reply of the thread."""
    return reply(number, ".block-actions")


@dataclass
class Reader:
    """A person at the page. Waits run in threads, for the workspace runs in the event loop."""

    browser: webdriver.Chrome
    url: str

    async def open(self, who: str, channel: str = "general") -> None:
        await asyncio.to_thread(self.browser.get, f"{self.url}/?as={who}&channel={channel}")
        await self.see("#channel-name", channel)

    async def see(self, selector: str, text: str = "") -> str:
        """Wait until an element shows `text`, and return all of its text."""

        def shown(_: webdriver.Chrome) -> str | None:
            return next((t or " " for t in self.shown(selector) if text in t), None)

        return str(await self._until(shown, f"{selector} never showed {text!r}"))

    async def not_see(self, selector: str) -> None:
        await self._until(lambda _: not self.shown(selector), f"{selector} is still there")

    async def sees_value(self, selector: str, value: str) -> None:
        """Wait until a field holds this value."""
        script = "return document.querySelector(arguments[0]).value"
        await self._until(
            lambda browser: browser.execute_script(script, selector) == value,
            f"{selector} never held {value!r}",
        )

    def shown(self, selector: str) -> list[str]:
        """Return the texts of the elements that can be seen now."""
        # One script, for the page may draw elements again between two questions.
        script = (
            "return [...document.querySelectorAll(arguments[0])]"
            ".filter((e) => e.checkVisibility()).map((e) => e.innerText)"
        )
        return list(self.browser.execute_script(script, selector))

    async def _until(self, true: Callable[[webdriver.Chrome], T], message: str) -> T:
        wait = WebDriverWait(self.browser, PATIENCE, poll_frequency=0.05)
        return await asyncio.to_thread(wait.until, true, message)

    async def reload(self) -> None:
        await asyncio.to_thread(self.browser.refresh)

    async def click(self, selector: str) -> None:
        await self.see(selector)
        script = "document.querySelector(arguments[0]).click()"
        await asyncio.to_thread(self.browser.execute_script, script, selector)

    async def press(self, selector: str) -> None:
        """Click with the mouse itself, which moves the focus and the cursor as well."""
        await self.see(selector)
        element = self.browser.find_element(By.CSS_SELECTOR, selector)
        await asyncio.to_thread(element.click)

    async def pick(self, row: str, name: str) -> None:
        """Take a choice of the menu behind the three dots of a row."""
        await self.see(f"{row} summary")
        # One script, for the page may draw the row again between two clicks.
        script = "for (const each of arguments) document.querySelector(each).click()"
        clicks = (f"{row} summary", f'{row} .menu-items [data-value^="{name}:"]')
        await asyncio.to_thread(self.browser.execute_script, script, *clicks)

    async def type(self, selector: str, *keys: str) -> None:
        await self.see(selector)
        element = self.browser.find_element(By.CSS_SELECTOR, selector)
        await asyncio.to_thread(element.send_keys, *keys)

    async def choose(self, selector: str, value: str) -> None:
        await self.see(selector)
        field = Select(self.browser.find_element(By.CSS_SELECTOR, selector))
        await asyncio.to_thread(field.select_by_value, value)

    async def become(self, person: str) -> None:
        """Be another person, at the same place."""
        await self.choose("#you", person)
        await self.see(f'#messages[data-place$="/{person}"]')

    async def focused(self, attribute: str = "id") -> str:
        """Return the id, or another attribute, of the element that has the focus."""
        script = "return document.activeElement.getAttribute(arguments[0])"
        return str(self.browser.execute_script(script, attribute))

    def complaints(self) -> list[str]:
        """Return the messages in the browser's console."""
        log = self.browser.get_log("browser")  # type: ignore[no-untyped-call]
        return [entry["message"] for entry in log]

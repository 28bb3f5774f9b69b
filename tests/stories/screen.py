"""What a person does at the screens: press keys, read, wait until it says so."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from textual.pilot import Pilot

from console.cli.session import Session
from screens.app import ShifuApp
from tests.screens.text import rendered

_KEYS = {" ": "space", "-": "minus", ":": "colon", "/": "slash", "=": "equals_sign", "@": "at"}


class Person:
    """Somebody in front of the console."""

    def __init__(self, app: ShifuApp, pilot: Pilot[Any]) -> None:
        self.app = app
        self._pilot = pilot

    @property
    def sees(self) -> str:
        return rendered(self.app)

    async def press(self, *keys: str) -> None:
        await self._pilot.press(*keys)

    async def types(self, text: str) -> None:
        await self._pilot.press(*(_KEYS.get(letter, letter) for letter in text))

    async def commands(self, line: str) -> None:
        """Type a ':' line."""
        await self.press("colon")
        await self.types(line)
        await self.press("enter")

    async def waits_for(self, *words: str, seconds: float = 30.0) -> None:
        await self.waits(
            lambda: all(word in self.sees for word in words), f"{words!r}", seconds=seconds
        )

    async def waits(
        self, met: Callable[[], bool], what: str = "", *, seconds: float = 30.0
    ) -> None:
        end = time.monotonic() + seconds
        while not met():
            assert time.monotonic() < end, f"waited for {what} in vain; on the screen:\n{self.sees}"
            await self._pilot.pause(0.05)


@asynccontextmanager
async def at_the_console(
    session: Session, size: tuple[int, int] = (140, 40)
) -> AsyncIterator[Person]:
    app = ShifuApp(session)
    async with app.run_test(size=size, notifications=True) as pilot:
        yield Person(app, pilot)

"""Opens the console on the fake fleet and waits for what a person would wait for."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from textual.pilot import Pilot

from screens.app import ShifuApp
from screens.detail import DetailScreen
from screens.home import HomeScreen
from screens.table import TableScreen
from tests.screens.demo_fleet import fill
from tests.screens.fake import Bench, FakeFleet, Fill


async def until(met: Callable[[], bool], *, seconds: float = 20.0) -> None:
    """Wait until something holds; say what did not."""
    async with asyncio.timeout(seconds):
        while not met():  # noqa: ASYNC110  what is waited for is on a screen, not an event
            await asyncio.sleep(0.01)


class Console:
    """The console in the hands of a test."""

    def __init__(self, app: ShifuApp, pilot: Pilot[int], bench: Bench) -> None:
        self.app = app
        self.pilot = pilot
        self.bench = bench

    @property
    def fleet(self) -> FakeFleet:
        assert self.bench.fleet is not None
        return self.bench.fleet

    @property
    def table(self) -> TableScreen:
        assert isinstance(self.app.screen, TableScreen)
        return self.app.screen

    def names(self) -> list[str]:
        return [key.name for key in self.table.table.rows.ordered()]

    def clusters(self) -> list[str]:
        return [key.cluster for key in self.table.table.rows.ordered()]

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)

    async def type(self, line: str) -> None:
        """Type a line after ':' and press enter."""
        await until(lambda: getattr(self.app.screen, "prompt", None) is not None)
        await self.pilot.press("colon", *(_key(letter) for letter in line), "enter")

    async def filter(self, text: str) -> None:
        await until(lambda: getattr(self.app.screen, "prompt", None) is not None)
        await self.pilot.press("slash", *(_key(letter) for letter in text), "enter")
        await self.settled()

    async def open(self, kind: str, rows: int) -> None:
        """Go to a table and wait for its rows."""
        await self.type(kind)
        await until(lambda: isinstance(self.app.screen, TableScreen))
        await self.rows(rows)

    async def rows(self, number: int) -> None:
        def there() -> bool:
            screen = self.app.screen
            if not (isinstance(screen, TableScreen) and screen.is_mounted):
                return False
            return len(screen.table.rows) == number and not screen.table.rows.dirty

        await until(there)
        await self.pilot.pause()

    async def settled(self) -> None:
        rows = self.table.table.rows
        await until(lambda: not rows.dirty and not rows.unsettled)
        await self.pilot.pause()

    async def detail(self) -> DetailScreen:
        await until(lambda: isinstance(self.app.screen, DetailScreen))
        screen = self.app.screen
        assert isinstance(screen, DetailScreen)
        await until(lambda: any("Events (" in line.text.plain for line in screen.sheet.lines))
        await self.pilot.pause()
        return screen

    async def home(self) -> HomeScreen:
        def ready() -> bool:
            screen = self.app.screen
            if not (isinstance(screen, HomeScreen) and screen.is_mounted):
                return False
            known = [row.nodes for row in screen.rows]
            table = screen.table
            waiting = table.rows.dirty or table.rows.unsettled or table.painter.grown
            return bool(known) and None not in known and not waiting

        await until(ready)
        await self.pilot.pause()
        assert isinstance(self.app.screen, HomeScreen)
        return self.app.screen


_NAMES = {
    " ": "space",
    "/": "slash",
    "@": "at",
    "-": "minus",
    "=": "equals_sign",
    "*": "asterisk",
    "!": "exclamation_mark",
    ".": "full_stop",
    ":": "colon",
    "^": "circumflex_accent",
    "$": "dollar_sign",
    "_": "underscore",
}


def _key(letter: str) -> str:
    return _NAMES.get(letter, letter)


@asynccontextmanager
async def console(
    fill: Fill = fill, size: tuple[int, int] = (120, 30), bench: Bench | None = None
) -> AsyncIterator[Console]:
    """Open the console on a fleet and wait until it is open."""
    bench = bench or Bench(fill)
    app = ShifuApp(bench.session, opener=bench.open)
    async with app.run_test(size=size) as pilot:
        await until(lambda: app.fleet is not None)
        await pilot.pause()
        yield Console(app, pilot, bench)

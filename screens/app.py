"""The application: one store, one trail of views, and batches for whoever is on screen."""

import contextlib
import gc
import os
import time
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from textual import events
from textual.app import App
from textual.worker import WorkerCancelled, WorkerFailed

from console.cli.session import Session
from console.errors import ConsoleError
from console.record import Key, Record
from console.redact import printable
from console.store import ChangeBatch, Snapshot, Store
from screens import keys, tones
from screens.feed import Feed
from screens.frame import FrameScreen
from screens.home import HomeScreen
from screens.opening import Opened, Opener, open_fleet
from screens.places import Place, Trail
from screens.themes import DARK, THEMES
from screens.widgets.fleet_header import HeaderFacts
from screens.widgets.rows import Wanted
from screens.widgets.too_small import LEAST_HEIGHT, LEAST_WIDTH, TooSmall

if TYPE_CHECKING:
    from textual.command import Provider

    from actions.desk import Desk
    from console.clock import Clock
    from console.config import Cluster
    from console.fleet import Fleet

_TWICE_SECONDS = 2.0
_CLIPBOARD_BYTES = 74_994
"""What terminals accept in one OSC 52 sequence."""


def _palette() -> "type[Provider]":
    from screens.palette import FleetProvider

    return FleetProvider


class ShifuApp(App[int]):
    """The console's screens on one session."""

    TITLE = "shifu-console"
    CSS_PATH = "app.tcss"
    BINDINGS = keys.APP
    COMMANDS: ClassVar[set[Any]] = App.COMMANDS | {_palette}
    HORIZONTAL_BREAKPOINTS = [(0, "-too-narrow"), (LEAST_WIDTH, "-wide-enough")]  # noqa: RUF012
    VERTICAL_BREAKPOINTS = [(0, "-too-low"), (LEAST_HEIGHT, "-high-enough")]  # noqa: RUF012

    def __init__(self, session: Session, *, opener: Opener = open_fleet) -> None:
        super().__init__()
        self.session = session
        self.clock: Clock = session.clock
        self.store = Store(session.clock)
        self.look: Snapshot = self.store.snapshot
        self.fleet: Fleet | None = None
        self.desk: Desk | None = None
        self.scope: tuple[str, ...] = ()
        """Aliases of the clusters in scope; empty: all."""
        self.trouble = ""
        self.trail = Trail(Place("Fleet", HomeScreen))
        self._opener = opener
        self._feed: Feed | None = None
        self._interrupted_at = -_TWICE_SECONDS
        for theme in THEMES:
            self.register_theme(theme)
        wanted = os.environ.get("TEXTUAL_THEME", "")
        self.theme = wanted if wanted in self.available_themes else DARK.name

    # -- life ------------------------------------------------------------------------------

    def on_mount(self) -> None:
        self.theme_changed_signal.subscribe(self, lambda theme: tones.use_colours(theme.variables))
        tones.use_colours(self.current_theme.variables)
        self.push_screen(HomeScreen())
        self.call_after_refresh(
            lambda: self.run_worker(self._open(), group="fleet", exit_on_error=True)
        )

    async def _open(self) -> None:
        """Open the fleet and supervise it until the console ends."""
        try:
            opened = await self._opener(self.session, self.store)
        except ConsoleError as error:
            self.trouble = printable(str(error))
            self._redraw()
            return
        self._take(opened)
        await opened.fleet.run()

    def _take(self, opened: Opened) -> None:
        self.fleet, self.desk, self.trouble = opened.fleet, opened.desk, opened.trouble
        if self.session.contexts:
            self.scope = self.session.scope()
        self._feed = Feed(self, self.store, self._on_batch)
        for screen in self.screen_stack:
            if isinstance(screen, FrameScreen):
                screen.on_fleet()
        self._redraw()

    async def on_unmount(self) -> None:
        if self._feed is not None:
            self._feed.close()
        if self.desk is not None:
            await self.desk.close()
        for worker in [one for one in self.workers if one.group == "fleet"]:
            # It would open again what is being closed.
            worker.cancel()
            with contextlib.suppress(WorkerCancelled, WorkerFailed):
                await worker.wait()
        if self.fleet is not None:
            await self.fleet.close()

    def _on_batch(self, batch: ChangeBatch) -> None:
        for screen in self.screen_stack:
            receive = getattr(screen, "on_batch", None)
            if receive is not None and screen.is_mounted:
                receive(batch)

    def _redraw(self) -> None:
        for screen in self.screen_stack:
            if isinstance(screen, FrameScreen):
                screen.draw_frame()

    # -- the fleet -------------------------------------------------------------------------

    @property
    def clusters(self) -> "tuple[Cluster, ...]":
        """Return the configured clusters; none until the fleet is open."""
        return () if self.fleet is None else self.fleet.clusters

    def scope_aliases(self) -> tuple[str, ...]:
        """Return the aliases in scope."""
        return self.scope or tuple(cluster.alias for cluster in self.clusters)

    def header_facts(self, aliases: tuple[str, ...]) -> HeaderFacts:
        """Return what the header says about a scope."""
        from screens import summary

        everywhere = tuple(cluster.alias for cluster in self.clusters)
        counts: Counter[Any] = (
            summary.fleet_counts(self.look, everywhere) if everywhere else Counter()
        )
        production = tuple(c.alias for c in self.clusters if c.production and c.alias in aliases)
        return HeaderFacts(
            scope=self._scope_text(aliases),
            production=production,
            mode=self._mode(aliases),
            counts=tuple(sorted(counts.items(), key=lambda pair: pair[0].severity)),
            oldest=summary.oldest_age(self.look, aliases) if aliases else None,
            now=self.clock.now(),
            trouble=self.trouble,
        )

    def _scope_text(self, aliases: tuple[str, ...]) -> str:
        total = len(self.clusters)
        if not total:
            return "no cluster" if self.trouble else "reading the configuration"
        if len(aliases) == total:
            return f"all {total} clusters"
        return (
            aliases[0] if len(aliases) == 1 else f"{len(aliases)} of {total}: {', '.join(aliases)}"
        )

    def _mode(self, aliases: tuple[str, ...]) -> str:
        fleet = self.fleet
        if fleet is None or self.desk is None:
            return "READ"
        writable = any(not fleet.read_only_reason(alias) for alias in aliases)
        return "WRITE" if writable else "READ"

    def set_write(self, allowed: bool) -> None:
        """Open or close the write gateway for the session."""
        if self.fleet is None:
            return
        if allowed and self.session.read_only:
            self.notify("started with --read-only: writing stays off", severity="warning")
            return
        self.fleet.set_write(allowed)
        self._redraw()

    def choose_scope(self, number: int) -> None:
        """Take the cluster of that number as scope; 0 takes all."""
        clusters = self.clusters
        if number > len(clusters):
            self.notify(f"there is no cluster {number}: the fleet has {len(clusters)}")
            return
        self.set_scope(() if number == 0 else (clusters[number - 1].alias,))

    def set_scope(self, aliases: tuple[str, ...]) -> None:
        """Take clusters as scope, here and for what is opened next."""
        self.scope = aliases
        if isinstance(self.screen, FrameScreen):
            self.screen.scope_changed()

    def relist(self, kind: str = "") -> None:
        """Ask again, now."""
        if self.fleet is not None:
            self.fleet.refresh((kind,) if kind else None)
            self.notify(f"asking every cluster again{f' for {kind}' if kind else ''}", timeout=2)

    # -- places ----------------------------------------------------------------------------

    def go(self, place: Place) -> None:
        """Open a new view."""
        self._leave()
        self._show(self.trail.go(place))

    def step(self, by: int) -> None:
        """Go back or forward."""
        self._leave()
        place = self.trail.step(by)
        if place is not None:
            self._show(place)

    def step_last(self) -> None:
        """Go to the view looked at before this one."""
        self._leave()
        place = self.trail.last()
        if place is not None:
            self._show(place)

    def go_home(self) -> None:
        """Go to the fleet."""
        if not isinstance(self.screen, HomeScreen):
            self.go(Place("Fleet", HomeScreen))

    def open_table(self, kind: str, wanted: Wanted | None = None, filter_text: str = "") -> None:
        """Open the table of a kind."""
        from console.resources import view_named
        from screens.table import TableScreen

        view = view_named(kind)
        self.go(Place(view.title, lambda: TableScreen(view, wanted, filter_text)))

    def open_detail(self, key: Key) -> None:
        """Open everything known about a record."""
        from screens.detail import DetailScreen

        self.go(Place(key.name, lambda: DetailScreen(key)))

    def open_yaml(self, key: Key) -> None:
        """Open the whole object."""
        from console.resources import views
        from screens.yaml import YamlScreen

        if views()[key.kind].derive is not None and key.namespace:
            # A computed record has no object of its own; its namespace comes nearest.
            key = Key(key.cluster, "namespace", "", key.namespace)
        self.go(Place("YAML", lambda: YamlScreen(key)))

    def why(self, alias: str) -> None:
        """Show the last error of a cluster verbatim; of all when none is named."""
        from screens.help import WhyScreen

        self.push_screen(WhyScreen((alias,) if alias else self.scope_aliases()))

    def _leave(self) -> None:
        # The bottom of the stack is Textual's own blank screen, which cannot be switched away.
        while len(self.screen_stack) > 2:
            self.pop_screen()
        if isinstance(self.screen, FrameScreen):
            self.trail.here.memo = self.screen.memo()

    def _show(self, place: Place) -> None:
        gc.unfreeze()  # a large table sets itself aside; now it may go
        screen = place.open()
        if place.memo is not None:
            screen.recall(place.memo)
        self.switch_screen(screen)

    # -- commands and actions --------------------------------------------------------------

    def command(self, line: str) -> None:
        """Obey a ':' line."""
        from screens.command_line import obey

        try:
            obey(self, line)
        except ConsoleError as error:
            self.notify(printable(str(error)), severity="error", title=f":{line}")

    def complete(self, line: str) -> list[str]:
        """Return what a ':' line could become."""
        from screens.command_line import completions

        return completions(self, line)

    def start_action(
        self, action: str | None, targets: list[Record], given: Mapping[str, str] | None = None
    ) -> None:
        """Begin an action on records; without a name, choose one first."""
        if self.desk is None:
            self.notify(self.trouble or "the fleet is still being opened", severity="warning")
            return
        if not targets and action is None:
            self.notify("nothing is chosen to act on", severity="warning")
            return
        from screens.act import start_action

        self.run_worker(
            start_action(self, action, targets, given), group="action", exit_on_error=False
        )

    def show_runs(self) -> None:
        """Open the history of runs."""
        if self.desk is None:
            self.notify(self.trouble or "the fleet is still being opened", severity="warning")
            return
        from screens.runs import RunsScreen

        self.push_screen(RunsScreen())

    def copy(self, text: str) -> None:
        """Put a text on the terminal's clipboard (OSC 52)."""
        if len(text.encode()) > _CLIPBOARD_BYTES:
            self.notify("too long for the terminal's clipboard", severity="warning")
            return
        self.copy_to_clipboard(text)
        self.notify(f"copied {text if len(text) < 80 else f'{len(text)} characters'}", timeout=2)

    # -- terminal --------------------------------------------------------------------------

    def on_resize(self) -> None:
        self._mind_size()

    def _mind_size(self) -> None:
        small = self.size.width < LEAST_WIDTH or self.size.height < LEAST_HEIGHT
        if small and not self.screen.query(TooSmall):
            self.screen.mount(TooSmall())

    def on_key(self, event: events.Key) -> None:
        """Hand keys typed right after `:` or `/` to the prompt; they were sent before it opened."""
        prompt = self.screen.prompt if isinstance(self.screen, FrameScreen) else None
        if prompt is not None and prompt.take(event):
            event.stop()
            event.prevent_default()

    def action_help_quit(self) -> None:
        """Ask for a second ctrl-c."""
        now = time.monotonic()
        if now - self._interrupted_at <= _TWICE_SECONDS:
            self.exit(0)
            return
        self._interrupted_at = now
        self.notify("press ctrl+c again, or ctrl+q, to quit", timeout=_TWICE_SECONDS)

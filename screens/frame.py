"""What every view of the console has: header, title line, prompt, key line."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, cast

from rich.style import Style
from rich.text import Text
from textual.app import ComposeResult
from textual.screen import Screen
from textual.widget import Widget

from console.record import Key, Record
from console.store import ChangeBatch
from screens import keys, tones
from screens.widgets.fleet_header import FleetHeader, ProductionBar, header_text, production_text
from screens.widgets.key_line import KeyLine
from screens.widgets.one_line import OneLine

if TYPE_CHECKING:
    from screens.app import ShifuApp
    from screens.widgets.prompt import Completer, Prompt


class FrameScreen(Screen[None]):
    """A view of the console; subclasses give the body."""

    BINDINGS = keys.FRAME
    prompt: "Prompt | None" = None
    """The line where commands and filters are typed; a moment after the first paint."""

    @property
    def console_app(self) -> "ShifuApp":
        """Return the app, typed."""
        return cast("ShifuApp", self.app)

    def body(self) -> Iterable[Widget]:
        """Give the widgets between title and prompt."""
        return ()

    def __init__(self) -> None:
        super().__init__()
        self._bar = ProductionBar(id="production")
        self._header = FleetHeader(id="header")
        self._title_line = OneLine(id="title")

    def compose(self) -> ComposeResult:
        yield self._bar
        yield self._header
        yield self._title_line
        yield from self.body()
        yield KeyLine(id="keys")

    def on_mount(self) -> None:
        self.draw_frame()
        self.call_after_refresh(self._add_prompt)
        self.set_interval(1.0, self._tick)

    def _tick(self) -> None:
        if self.is_current:
            self.draw_frame()

    # -- what subclasses say ---------------------------------------------------------------

    def title_facts(self) -> Text:
        """Return what stands behind the breadcrumbs."""
        return Text()

    def scope_aliases(self) -> tuple[str, ...]:
        """Return the clusters this view is about."""
        return self.console_app.scope_aliases()

    def selection(self) -> list[Record]:
        """Return what an action would act on."""
        return []

    def kind(self) -> str:
        """Return the kind that is shown; empty when there is none."""
        return ""

    def memo(self) -> Any:
        """Return what is needed to come back to this view as it is."""
        return None

    def recall(self, memo: Any) -> None:
        """Come back as it was."""

    def on_batch(self, batch: ChangeBatch) -> None:
        """Take in what changed."""

    def on_fleet(self) -> None:
        """Begin to watch: the fleet has been opened."""

    def retreat(self) -> bool:
        """Undo one thing of this view; False when there is nothing left to undo."""
        return False

    def filter_edited(self, text: str) -> None:
        """Take in a filter while it is typed."""

    # -- the frame -------------------------------------------------------------------------

    def draw_frame(self) -> None:
        """Bring header and title up to date."""
        if not (self.is_attached and self.is_mounted):
            return
        facts = self.console_app.header_facts(self.scope_aliases())
        width = self.app.size.width
        self._bar.set_class(bool(facts.production), "-on")
        self._bar.show(production_text(facts, width))
        self._header.show(header_text(facts, width))
        self._title_line.show(self._title(width))

    def _title(self, width: int) -> Text:
        arrow = tones.sign(" › ", " > ")  # noqa: RUF001  a small arrow on purpose
        crumbs = self.console_app.trail.crumbs
        facts = self.title_facts()
        facts.truncate(max(10, width - 4 - len(crumbs[-1])), overflow="ellipsis")
        room = max(8, width - facts.cell_len - 4)
        way = arrow.join(crumbs)
        while len(way) > room and len(crumbs) > 1:
            crumbs = crumbs[1:]
            way = tones.sign("…", "...") + arrow + arrow.join(crumbs)
        title = Text(f" {way}", Style(bold=True))
        return title.append("  ").append_text(facts)

    def on_resize(self) -> None:
        self.draw_frame()

    async def _add_prompt(self) -> None:
        # Its input field takes a good part of the first paint's time to import.
        from screens.widgets.prompt import Prompt

        if self.is_attached and self.prompt is None:
            prompt = Prompt(id="prompt")
            await self.mount(prompt)
            self.prompt = prompt

    def ask(self, sign: str, text: str = "", complete: "Completer | None" = None) -> None:
        """Ask for a command or a filter."""
        if self.prompt is not None:
            self.prompt.ask(sign, text, complete)

    def on_prompt_done(self, event: "Prompt.Done") -> None:
        event.stop()
        if event.sign == ":":
            self.console_app.command(event.text)
        else:
            self.filter_edited(event.text)

    def on_prompt_edited(self, event: "Prompt.Edited") -> None:
        event.stop()
        if event.sign == "/":
            self.filter_edited(event.text)

    def on_prompt_left(self, event: "Prompt.Left") -> None:
        event.stop()
        if event.sign == "/":
            self.filter_edited("")

    # -- keys ------------------------------------------------------------------------------

    def action_command(self) -> None:
        """Ask for a command."""
        self.ask(":", complete=self.console_app.complete)

    def action_retreat(self) -> None:
        """Clear filter, then marks, then go back; never leave the console."""
        if not self.retreat():
            self.console_app.step(-1)

    def action_back(self) -> None:
        """Go back."""
        self.console_app.step(-1)

    def action_forward(self) -> None:
        """Go forward again."""
        self.console_app.step(1)

    def action_last(self) -> None:
        """Go to the view looked at before."""
        self.console_app.step_last()

    def action_home(self) -> None:
        """Go to the fleet."""
        self.console_app.go_home()

    def action_relist(self) -> None:
        """Ask every cluster again."""
        self.console_app.relist(self.kind())

    def action_toggle_header(self) -> None:
        """Show or hide the header; the production bar stays."""
        self._header.display = not self._header.display

    def action_scope(self, number: int) -> None:
        """Take one cluster, or all, as the scope."""
        self.console_app.choose_scope(number)

    def scope_changed(self) -> None:
        """Show another part of the fleet."""
        self.draw_frame()

    def action_help(self) -> None:
        """Show every key of this view."""
        from screens.help import HelpScreen

        self.app.push_screen(HelpScreen(self))

    def action_aliases(self) -> None:
        """Show every name that ':' understands."""
        from screens.help import AliasScreen

        self.app.push_screen(AliasScreen())

    def action_act(self) -> None:
        """Choose an action for the selection."""
        self.console_app.start_action(None, self.selection())

    def action_why(self) -> None:
        """Show the last error of the selection's cluster."""
        chosen = self.selection()
        self.console_app.why(chosen[0].key.cluster if chosen else "")

    def open_key(self, key: Key) -> None:
        """Look into a record."""
        self.console_app.open_detail(key)

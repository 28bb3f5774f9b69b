"""Pages laid over a view: its keys, the names ':' understands, and why a cluster fails."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar, cast

from rich.style import Style
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen

from console.clock import format_time
from console.store import PROBE, Source
from console.units import format_age
from screens.widgets.one_line import OneLine
from screens.widgets.sheet import Line, Sheet

if TYPE_CHECKING:
    from screens.app import ShifuApp

_KEY_WIDTH = 16
_NAME_WIDTH = 20
_AREAS = {"table": "Rows", "sheet": "Lines", "frame": "Everywhere", "app": "Console"}


class PageScreen(Screen[None]):
    """Lines to read; escape leads back."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,question_mark", "dismiss", "Back", id="page.back", tooltip="Back"),
    ]

    def title_text(self) -> str:
        """Return the page's title."""
        return ""

    def lines(self) -> Iterable[Line]:
        """Return what the page says."""
        return ()

    @property
    def console_app(self) -> "ShifuApp":
        """Return the app, typed."""
        return cast("ShifuApp", self.app)

    def compose(self) -> ComposeResult:
        yield OneLine(Text(f" {self.title_text()}   escape: back", Style(bold=True)), id="title")
        yield Sheet(list(self.lines()))

    def on_mount(self) -> None:
        self.query_one(Sheet).focus()


class HelpScreen(PageScreen):
    """Every key of a view, drawn from its bindings."""

    def __init__(self, of: Screen[None]) -> None:
        super().__init__()
        self._shown = [active.binding for active in of.active_bindings.values()]
        self._display = of.app.get_key_display

    def title_text(self) -> str:
        return "Keys of this view"

    def lines(self) -> Iterable[Line]:
        for area, bindings in self._areas().items():
            yield Line(Text(_AREAS.get(area, area.capitalize())), heading=True)
            for (title, tooltip), names in bindings.items():
                text = Text(f"  {'  '.join(names):{_KEY_WIDTH}} ", Style(bold=True))
                text.append(f"{title:{_NAME_WIDTH}} ", Style(bold=False))
                yield Line(text.append(tooltip if tooltip != title else "", Style(bold=False)))
            yield Line(Text())

    def _areas(self) -> dict[str, dict[tuple[str, str], list[str]]]:
        areas: dict[str, dict[tuple[str, str], list[str]]] = {}
        for binding in self._shown:
            if binding.id is None:
                continue
            area = areas.setdefault(binding.id.split(".")[0], {})
            names = area.setdefault((binding.description, binding.tooltip), [])
            shown = self._display(binding)
            if shown not in names:
                names.append(shown)
        return dict(sorted(areas.items(), key=lambda item: item[0] in ("frame", "app")))


class AliasScreen(PageScreen):
    """Every name that ':' understands."""

    def title_text(self) -> str:
        return "Names after ':'"

    def lines(self) -> Iterable[Line]:
        from console.resources import views
        from screens.command_line import WORDS

        yield Line(Text("Kinds"), heading=True)
        for view in views().values():
            names = ", ".join((view.kind, *view.aliases))
            yield Line(Text(f"  {view.title:{_NAME_WIDTH}} {names}"))
        yield Line(Text())
        yield Line(Text("Commands"), heading=True)
        for word in WORDS.values():
            yield Line(Text(f"  {word.usage:{_NAME_WIDTH}} {word.title}"))
        yield Line(Text())
        yield Line(Text("Actions"), heading=True)
        desk = self.console_app.desk
        manifests = desk.catalogue() if desk is not None else []
        for manifest in manifests:
            yield Line(Text(f"  {manifest.name:{_NAME_WIDTH}} {manifest.title}"))
        if not manifests:
            yield Line(Text(f"  none: {self.console_app.trouble or 'not loaded yet'}"))


class WhyScreen(PageScreen):
    """The last error of clusters, verbatim, with attempts and the next try."""

    def __init__(self, aliases: tuple[str, ...]) -> None:
        super().__init__()
        self._aliases = aliases

    def title_text(self) -> str:
        return f"Why: {', '.join(self._aliases)}"

    def lines(self) -> Iterable[Line]:
        look = self.console_app.look
        for alias in self._aliases:
            yield Line(Text(alias), heading=True)
            found = [source for source in look.sources() if source.cluster == alias]
            failing = [source for source in found if source.error]
            for source in sorted(failing, key=lambda source: source.kind != PROBE):
                yield from self._about(source)
            if not failing:
                said = "no error" if found else "nothing was asked of it yet"
                yield Line(Text(f"  {said}"))
            yield Line(Text())

    def _about(self, source: Source) -> Iterable[Line]:
        now = self.console_app.look.now()
        what = "API server" if source.kind == PROBE else source.kind
        code = f"HTTP {source.status}, " if source.status else ""
        yield Line(Text(f"  {what}: {code}{source.state}, attempt {source.attempts}"))
        yield from (Line(Text(f"    {line}")) for line in source.error.splitlines())
        if source.remedy:
            yield Line(Text(f"    what next: {source.remedy}"))
        if source.contact_at is not None:
            age = format_age(now - source.contact_at)
            yield Line(Text(f"    last sign of life {age} ago ({format_time(source.contact_at)})"))
        if source.retry_at is not None:
            wait = format_age(max(0.0, source.retry_at - now))
            yield Line(Text(f"    next try in {wait}"))

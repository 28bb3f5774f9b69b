"""Everything known about one record: facts, neighbours, conditions, events."""

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

from rich.console import Console
from rich.style import Style
from rich.text import Text
from textual.widget import Widget

from console.clock import parse_time
from console.errors import ConsoleError
from console.record import Key, Record, Tone, Word
from console.redact import printable
from console.resources import views
from console.store import ChangeBatch
from console.units import format_age
from console.view import View, believed
from screens import keys, tones
from screens.frame import FrameScreen
from screens.table import merged
from screens.widgets.columns import fit, one_line, width_of
from screens.widgets.rows import cell, word_of
from screens.widgets.sheet import Line, Sheet

_MEASURE = Console(width=200, color_system=None)
"""Wrapping text asks for a console; nothing is printed on it."""
_IMPLIED = ("Cluster", "Namespace")
_WIDEST = 80
_EVENTS_SHOWN = 20
_REDRAW_SECONDS = 0.5
_EVENTS_SECONDS = 15.0


def heading(title: str, count: int | None = None) -> Line:
    """Return a section's title."""
    return Line(Text(title if count is None else f"{title} ({count})"), heading=True)


def value_text(value: str | Word) -> Text:
    """Write a value; a word with its glyph, colour and reason."""
    if isinstance(value, str):
        return Text(one_line(value))
    text = tones.tone_text(value)
    return text.append(f"  {one_line(value.reason)}", Style(bold=False)) if value.reason else text


def wrapped(first: Text, value: Text, indent: int, width: int) -> list[Line]:
    """Write a value behind its label, on as many lines as it needs."""
    room = max(20, width - indent - 4)
    parts = list(value.wrap(_MEASURE, room)) or [Text()]
    lines = [Line(first.append_text(Text("", Style(bold=False))).append_text(parts[0]))]
    return [*lines, *(Line(Text(" " * indent).append_text(part)) for part in parts[1:])]


def fact_lines(pairs: Iterable[tuple[str, str | Word]], width: int) -> list[Line]:
    """Write label and value, the values under each other."""
    found = list(pairs)
    label_width = max((width_of(label) for label, _ in found), default=0) + 2
    lines: list[Line] = []
    for label, value in found:
        start = Text().append(f"  {fit(label, label_width)}", Style(bold=True))
        lines += wrapped(start, value_text(value), label_width + 2, width)
    return lines


class DetailScreen(FrameScreen):
    """One record and what surrounds it."""

    BINDINGS = keys.DETAIL

    def __init__(self, key: Key) -> None:
        super().__init__()
        self.sheet = Sheet([Line(Text("reading"))], id="sheet")
        self._key = key
        self._view: View[Any] = views()[key.kind]
        self._release: Callable[[], None] | None = None
        self._record: Record | None = None
        self._conditions: list[dict[str, Any]] = []
        self._events: list[dict[str, Any]] | None = None
        self._read_error = ""
        self._events_error = ""
        self._drawing = False
        self._cursor: int | None = None

    def body(self) -> Iterable[Widget]:
        yield self.sheet

    def on_mount(self) -> None:
        self.sheet.focus()
        self.on_fleet()
        self._draw()
        self.set_interval(2.0, self._draw_soon)

    def on_unmount(self) -> None:
        if self._release is not None:
            self._release()

    def on_fleet(self) -> None:
        fleet = self.console_app.fleet
        if fleet is None or self._release is not None:
            return
        kinds = {*self._view.watched, self._view.kind, "event"}
        self._release = fleet.watch(kinds, (self._key.cluster,))
        self.run_worker(self._read(), exclusive=True, group="read")

    async def _read(self) -> None:
        """Read what no record carries: the object's conditions once, its events again and again."""
        fleet = self.console_app.fleet
        assert fleet is not None  # noqa: S101  on_fleet asked
        if self._view.source is not None:
            try:
                found = await fleet.fetch(self._key)
                conditions = (found.get("status") or {}).get("conditions") or []
                self._conditions = [one for one in conditions if isinstance(one, dict)]
            except ConsoleError as error:
                self._read_error = printable(str(error))
        while self._view.watched:
            try:
                self._events = await fleet.events_about(self._key)
                self._events_error = ""
            except ConsoleError as error:
                self._events_error = printable(str(error))
            self._draw()
            await asyncio.sleep(_EVENTS_SECONDS)
        self._draw()

    # -- drawing ---------------------------------------------------------------------------

    def on_resize(self) -> None:
        self._draw()

    def on_batch(self, batch: ChangeBatch) -> None:
        cluster = self._key.cluster
        if any(key.cluster == cluster for key in batch.keys) or batch.sources:
            self._draw_soon()

    def _draw_soon(self) -> None:
        if not self._drawing:
            self._drawing = True
            self.set_timer(_REDRAW_SECONDS, self._draw)

    def _draw(self) -> None:
        self._drawing = False
        if self.is_attached:
            self.sheet.show(list(self._lines()))
            if self._cursor is not None and self._cursor < len(self.sheet.lines):
                self.sheet.go(self._cursor)
                self._cursor = None

    def _find(self) -> Record | None:
        look = self.console_app.look
        if self._view.derive is None:
            return look.get(self._key)
        return next((one for one in self._view.records(look) if one.key == self._key), None)

    def _lines(self) -> Iterable[Line]:
        look = self.console_app.look
        found = self._find()
        if found is None:
            yield from self._absent()
            if self._record is None:
                return
        else:
            self._record = found
        record = self._record
        assert record is not None  # noqa: S101  one of the two above
        yield heading(f"{self._view.kind} {record.key}")
        facts = self._view.facts
        columns = ((c.title, cell(c, record, look)) for c in self._view.columns)
        own = columns if facts is None else facts(record, look)
        yield from fact_lines([*own, *self._provenance(record)], self.size.width)
        yield from self._neighbours(record)
        yield from self._condition_lines()
        yield from self._event_lines()

    def _absent(self) -> Iterable[Line]:
        look = self.console_app.look
        kind = next(iter(self._view.watched), self._view.kind)
        source = look.source(self._key.cluster, kind)
        if source is not None and source.complete_at is None:
            said = Word("waiting", Tone.PROGRESS, source.error or f"for the {kind}s of the cluster")
        elif self._record is not None:
            said = Word("GONE", Tone.OFF, "it was deleted; this is how it was last seen")
        else:
            said = Word("ABSENT", Tone.UNKNOWN, f"there is no {self._key.kind} {self._key}")
        yield Line(value_text(said))

    def _provenance(self, record: Record) -> Iterable[tuple[str, str]]:
        look = self.console_app.look
        where = self._view.provenance(record, look)
        age = None if where.observed_at is None else look.now() - where.observed_at
        yield "Observed", f"{where.freshness}, seen {format_age(age)} ago by {where.source}"
        if record.labels:
            yield "Labels", ", ".join(f"{k}={v}" for k, v in sorted(record.labels.items()))

    def _neighbours(self, record: Record) -> Iterable[Line]:
        if self._view.related is None:
            return
        groups: dict[str, list[Record]] = {}
        for one in self._view.related(record, self.console_app.look):
            groups.setdefault(one.key.kind, []).append(one)
        for kind, members in groups.items():
            view = views().get(kind)
            if view is None:
                continue
            members.sort(
                key=lambda one: (
                    word_of(view, one, self.console_app.look).tone.severity,
                    one.key.name,
                )
            )
            yield Line(Text())
            yield heading(view.title, len(members))
            yield from self._table(view, members)

    def _table(self, view: View[Any], members: list[Record]) -> Iterable[Line]:
        """Write neighbours as a small table with the columns of their own kind."""
        look = self.console_app.look
        columns = [c for c in merged(view).columns if not c.wide and c.title not in _IMPLIED]
        cells = [[cell(column, one, look) for column in columns] for one in members]
        told = [at for at in range(len(columns)) if any(_plain(row[at]) for row in cells)]
        columns = [columns[at] for at in told]
        cells = [[row[at] for at in told] for row in cells]
        texts = [[_plain(value) for value in row] for row in cells]
        widths = [
            min(_WIDEST, max([len(column.title), *(width_of(row[at]) for row in texts)]))
            for at, column in enumerate(columns)
        ]
        titles = (fit(c.title.upper(), widths[at], right=c.right) for at, c in enumerate(columns))
        yield Line(Text("  " + "  ".join(titles), tones.style(Tone.OFF)))
        for one, values, row in zip(members, cells, texts, strict=True):
            text = Text("  ")
            for at, column in enumerate(columns):
                value = values[at]
                style = tones.style(value.tone) if isinstance(value, Word) else Style()
                text.append(fit(row[at], widths[at], right=column.right), style)
                text.append("  ")
            yield Line(text, one.key)

    def _condition_lines(self) -> Iterable[Line]:
        if self._read_error:
            yield Line(Text())
            yield heading("Conditions")
            yield Line(value_text(Word("not read", Tone.UNKNOWN, self._read_error)))
        if not self._conditions:
            return
        now = self.console_app.look.now(self._key.cluster)
        yield Line(Text())
        yield heading("Conditions", len(self._conditions))
        for one in self._conditions:
            since = parse_time(one.get("lastTransitionTime"))
            age = format_age(None if since is None else now - since)
            words = f"{one.get('type', '?')}={one.get('status', '?')}"
            told = f"{one.get('reason', '')}  {printable(str(one.get('message', '')))}"
            start = Text(f"  {fit(words, 26)} {fit(age, 7, right=True)}  ")
            yield from wrapped(start, Text(one_line(told).strip()), 38, self.size.width)

    def _event_lines(self) -> Iterable[Line]:
        if not self._view.watched:
            return
        yield Line(Text())
        if self._events_error:
            yield heading("Events")
            yield Line(value_text(Word("not read", Tone.UNKNOWN, self._events_error)))
            return
        if self._events is None:
            yield heading("Events")
            yield Line(Text("  reading"))
            return
        yield heading("Events", len(self._events))
        now = self.console_app.look.now(self._key.cluster)
        ordered = sorted(self._events, key=_event_time, reverse=True)
        for event in ordered[:_EVENTS_SHOWN]:
            start, told = _event_text(event, now)
            yield from wrapped(start, told, 12, self.size.width)
        if not ordered:
            yield Line(Text("  none are kept"))

    # -- what the frame asks ---------------------------------------------------------------

    def scope_aliases(self) -> tuple[str, ...]:
        return (self._key.cluster,)

    def title_facts(self) -> Text:
        if self._record is None:
            return Text()
        look = self.console_app.look
        freshness = self._view.provenance(self._record, look).freshness
        return tones.tone_text(believed(word_of(self._view, self._record, look), freshness))

    def kind(self) -> str:
        return self._view.kind

    def selection(self) -> list[Record]:
        """Return the neighbour under the cursor, else the record itself."""
        current = self.sheet.current
        neighbour = None if current is None else self.console_app.look.get(current)
        return [one for one in (neighbour or self._record,) if one is not None]

    def memo(self) -> int:
        return self.sheet.cursor

    def recall(self, memo: int) -> None:
        self._cursor = memo

    def on_sheet_opened(self, event: Sheet.Opened) -> None:
        event.stop()
        self.open_key(event.key)

    def action_yaml(self) -> None:
        """Show the whole object."""
        chosen = self.selection()
        if chosen:
            self.console_app.open_yaml(chosen[0].key)

    def action_copy(self, path: bool) -> None:
        """Copy the name, or the path."""
        self.console_app.copy(str(self._key) if path else self._key.name)


def _plain(value: str | Word) -> str:
    return tones.words(value) if isinstance(value, Word) else one_line(value)


def _event_time(event: dict[str, Any]) -> float:
    metadata = event.get("metadata") or {}
    for moment in (
        (event.get("series") or {}).get("lastObservedTime"),
        event.get("lastTimestamp"),
        event.get("eventTime"),
        metadata.get("creationTimestamp"),
    ):
        found = parse_time(moment)
        if found is not None:
            return found
    return 0.0


def _event_text(event: dict[str, Any], now: float) -> tuple[Text, Text]:
    at = _event_time(event)
    about = event.get("involvedObject") or {}
    name = f"{about.get('kind', '?')}/{about.get('name', '?')}"
    times = (event.get("series") or {}).get("count") or event.get("count") or 1
    tone = Tone.WARN if event.get("type") == "Warning" else Tone.OFF
    start = Text(f"  {fit(format_age(now - at if at else None), 7, right=True)}  ")
    start.append(f"{tones.glyph(tone)} ", tones.style(tone))
    repeated = f" (x{times})" if times > 1 else ""
    told = Text(str(event.get("reason") or "-"), tones.style(tone))
    message = one_line(printable(str(event.get("message") or "")))
    return start, told.append(f"{repeated}  {name}  {message}", Style(color="default", bold=False))

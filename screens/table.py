"""One kind over all clusters: a merged table with filter, faults, marks and scope."""

import csv
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rich.text import Text
from textual.widget import Widget

from console.errors import ConfigError
from console.record import Key, Record, Word
from console.store import ChangeBatch
from console.view import Column, View
from screens import keys
from screens.emptiness import left_out, why_empty
from screens.frame import FrameScreen
from screens.widgets.rows import Matcher, Wanted, cell
from screens.widgets.view_table import ViewTable

_CLUSTER: Column[Any] = Column(title="Cluster", text=lambda record, _: record.key.cluster)

_LONG = ("Target", "Reason")
"""Columns that take what room is left, so that numbers show on a narrow terminal."""


@dataclass(frozen=True)
class _Memo:
    """How a table was left."""

    wanted: Wanted
    filter_text: str
    cursor: Key | None
    marks: tuple[Key, ...]
    wide: bool


def merged(view: View[Any]) -> View[Any]:
    """Put the cluster in front of a view's own columns, and the long ones behind the short."""
    plain = [column for column in view.columns if not column.wide and column.title not in _LONG]
    long = [column for name in _LONG for column in view.columns if column.title == name]
    wide = [column for column in view.columns if column.wide and column.title not in _LONG]
    return replace(view, columns=(_CLUSTER, *plain, *long, *wide))


def column_named(view: View[Any], name: str) -> int | None:
    """Return the place of a column by its title, or a word of it."""
    titles = [column.title.lower() for column in view.columns]
    exact = (at for at, title in enumerate(titles) if title == name)
    near = (at for at, title in enumerate(titles) if name in title.split())
    return next(exact, next(near, None))


class TableScreen(FrameScreen):
    """The table of a kind."""

    BINDINGS = keys.TABLE
    table: ViewTable

    def __init__(
        self, view: View[Any], wanted: Wanted | None = None, filter_text: str = ""
    ) -> None:
        super().__init__()
        self._view = merged(view)
        self._filter_text = filter_text
        self._filter_error = ""
        state = column_named(self._view, "state")
        given = wanted or Wanted()
        self._own_scope = bool(given.clusters)
        self._wanted = given if given.sort >= 0 or state is None else replace(given, sort=state)
        self._memo: _Memo | None = None
        self._release: Callable[[], None] | None = None

    def body(self) -> Iterable[Widget]:
        if not self._own_scope:
            self._wanted = replace(self._wanted, clusters=frozenset(self.console_app.scope))
        name = column_named(self._view, "name")
        pinned = 1 if name is None else min(name + 1, 3)
        self.table = ViewTable(
            self._view,
            self.console_app.look,
            replace(self._wanted, matcher=self._matcher(self._filter_text)),
            pinned=pinned,
            empty=self._nothing,
            id="table",
        )
        yield self.table

    def on_mount(self) -> None:
        self.table.focus()
        self.on_fleet()
        memo = self._memo
        if memo is not None:
            self.table.wide = memo.wide
            self.table.marks = dict.fromkeys(memo.marks)
            if memo.cursor is not None:
                self.table.go_to(memo.cursor)

    def on_unmount(self) -> None:
        if self._release is not None:
            self._release()

    def on_fleet(self) -> None:
        fleet = self.console_app.fleet
        if fleet is not None and self._release is None:
            self._release = fleet.watch(self._view.watched)

    def on_batch(self, batch: ChangeBatch) -> None:
        self.table.on_batch(batch)
        if batch.sources:
            self.draw_frame()

    # -- what the frame asks ---------------------------------------------------------------

    def kind(self) -> str:
        return self._view.kind

    def selection(self) -> list[Record]:
        return self.table.targets

    def scope_aliases(self) -> tuple[str, ...]:
        chosen = self._wanted.clusters
        everywhere = (cluster.alias for cluster in self.console_app.clusters)
        return tuple(alias for alias in everywhere if not chosen or alias in chosen)

    def title_facts(self) -> Text:
        table = self.table
        total = len(table.rows)
        hidden = table.rows.hidden
        partial = left_out(self._view, self.console_app.look, self.scope_aliases())
        known = f"{'≥ ' if partial else ''}{total + hidden}"
        parts = [f"{total} of {known}" if hidden else known]
        parts += [partial] if partial else []
        parts += self._narrowed()
        if table.marks:
            clusters = len({key.cluster for key in table.marks})
            parts.append(f"{len(table.marks)} marked in {clusters} cluster{'s'[: clusters != 1]}")
        if self._filter_error:
            parts.append(self._filter_error)
        return Text(" · ".join(parts))

    def _narrowed(self) -> list[str]:
        wanted = self._wanted
        words = [f"{name}={value}" for name, value in wanted.labels.items()]
        if wanted.namespace:
            words.append(f"namespace {wanted.namespace}")
        if wanted.only_faults:
            words.append("only faults")
        if self._filter_text:
            words.append(f"/{self._filter_text}")
        return words

    def _nothing(self) -> list[str]:
        return why_empty(
            self._view,
            self.console_app.look,
            self.scope_aliases(),
            hidden=self.table.rows.hidden,
            filter_words=" ".join(self._narrowed()) or "the filter",
        )

    def memo(self) -> _Memo:
        table = self.table
        return _Memo(
            table.wanted, self._filter_text, table.cursor_key, tuple(table.marks), table.wide
        )

    def recall(self, memo: _Memo) -> None:
        self._memo = memo
        self._wanted = replace(memo.wanted, matcher=None)
        self._own_scope = True
        self._filter_text = memo.filter_text

    def retreat(self) -> bool:
        if self._filter_text:
            self.filter_edited("")
            return True
        if self._wanted.only_faults:
            self.action_only_faults()
            return True
        if self.table.marks:
            self.table.action_unmark()
            return True
        return False

    # -- narrowing -------------------------------------------------------------------------

    def _matcher(self, text: str) -> Matcher | None:
        from console.commands import Filter

        self._filter_error = ""
        if not text.strip():
            return None
        try:
            return Filter.parse(text)
        except ConfigError as error:
            self._filter_error = str(error)
            return None

    def filter_edited(self, text: str) -> None:
        text = text.removeprefix("/")
        matcher = self._matcher(text)
        if self._filter_error:
            self.draw_frame()
            return
        self._filter_text = text
        self._want(replace(self._wanted, matcher=matcher))

    def _want(self, wanted: Wanted) -> None:
        matcher = self._matcher(self._filter_text)
        self._wanted = replace(wanted, matcher=None)
        self.table.want(replace(wanted, matcher=matcher))
        self.draw_frame()

    def scope_changed(self) -> None:
        self._want(replace(self._wanted, clusters=frozenset(self.console_app.scope)))

    def action_filter(self) -> None:
        """Ask for a filter."""
        self.ask("/", self._filter_text)

    def action_only_faults(self) -> None:
        """Show only what is wrong, or everything."""
        self._want(replace(self._wanted, only_faults=not self._wanted.only_faults))

    def action_wide(self) -> None:
        """Show more columns, or fewer."""
        self.table.wide = not self.table.wide

    def action_sort(self, name: str) -> None:
        """Sort by a column of that name."""
        index = column_named(self._view, name)
        if index is None:
            self.notify(f"{self._view.title} have no column {name}", severity="warning")
            return
        self._sort_by(index)

    def action_sort_chosen(self) -> None:
        """Sort by the chosen column."""
        self._sort_by(self.table.painter.chosen)

    def _sort_by(self, index: int) -> None:
        self.table.sort_by(index)
        self._wanted = replace(self.table.wanted, matcher=None)

    # -- what can be done with rows --------------------------------------------------------

    def on_view_table_opened(self, event: ViewTable.Opened) -> None:
        event.stop()
        self.open_key(event.key)

    def on_view_table_settled(self) -> None:
        self._wanted = replace(self.table.wanted, matcher=None)
        self.draw_frame()

    def action_detail(self) -> None:
        """Show everything known about the row."""
        self.table.action_open()

    def action_yaml(self) -> None:
        """Show the whole object."""
        current = self.table.current
        if current is not None:
            self.console_app.open_yaml(current.key)

    def action_copy(self, path: bool) -> None:
        """Copy the row's name, or its path."""
        current = self.table.current
        if current is not None:
            self.console_app.copy(str(current.key) if path else current.key.name)

    def action_copy_namespace(self) -> None:
        """Copy the row's namespace."""
        current = self.table.current
        if current is not None:
            self.console_app.copy(current.key.namespace)

    def action_save(self) -> None:
        """Ask for the file to save the rows in."""
        self.ask(":", f"save {self._view.kind}.csv", self.console_app.complete)

    def save(self, path: Path) -> int:
        """Write the rows as they are shown, as CSV or JSON by the file's name; never over a file.

        Raises:
            ConfigError: the file is there already, cannot be written, or has another ending.

        """
        columns = [column.title for column in self._view.columns]
        rows = [self._texts(key) for key in self.table.rows.ordered()]
        try:
            with path.open("x", encoding="utf-8", newline="") as file:
                if path.suffix == ".json":
                    json.dump(
                        [dict(zip(columns, row, strict=True)) for row in rows], file, indent=2
                    )
                else:
                    csv.writer(file).writerows([columns, *rows])
        except FileExistsError as error:
            raise ConfigError(f"{path} is there already", remedy="choose another name") from error
        except OSError as error:
            raise ConfigError(f"{path} cannot be written: {error.strerror}") from error
        return len(rows)

    def _texts(self, key: Key) -> list[str]:
        record = self.table.rows.get(key)
        if record is None:
            return []
        values = (cell(column, record, self.console_app.look) for column in self._view.columns)
        return [value.text if isinstance(value, Word) else value for value in values]

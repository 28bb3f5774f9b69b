"""Home: the fleet by region, a line a cluster."""

import asyncio
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from rich.text import Text
from textual.widget import Widget

from console.record import Record, Tone, Word
from console.store import PROBE, ChangeBatch, Freshness, Snapshot
from console.units import format_age
from console.view import Column, View
from screens import summary, tones
from screens.frame import FrameScreen
from screens.summary import ClusterRow
from screens.widgets.rows import Wanted
from screens.widgets.view_table import ViewTable

if TYPE_CHECKING:
    from collections.abc import Callable

_SHARE = 20
"""Summing up may take one part in so many of the time."""


def _old(row: ClusterRow, look: Snapshot, text: str) -> str:
    """Mark a value of a cluster that no longer answers."""
    fresh = look.freshness(row.key.cluster, PROBE) is Freshness.FRESH
    return text if fresh or not text else f"~{text}"


def _role(row: ClusterRow, _: Snapshot) -> str:
    marks = (("PROD", row.production), ("read-only", row.read_only), ("INSECURE", row.insecure))
    return " ".join([row.role or "?", *(name for name, on in marks if on)])


def _state(row: ClusterRow, look: Snapshot) -> Word:
    return summary.cluster_word(look, row.key.cluster)


def _nodes(row: ClusterRow, look: Snapshot) -> str:
    if row.nodes is None:
        return _missing(row, look, "node")
    return _old(row, look, f"{row.nodes_ready}/{row.nodes}")


def _tenants(row: ClusterRow, look: Snapshot) -> str:
    if row.tenants is None:
        return _missing(row, look, "namespace")
    parts = [f"{tones.glyph(tone)}{count}" for tone, count in row.tenants]
    return _old(row, look, " ".join(parts) or "0")


def _missing(row: ClusterRow, look: Snapshot, kind: str) -> str:
    """Say why a value is not there."""
    source = look.source(row.key.cluster, kind)
    if source is None or not source.status:
        return tones.glyph(Tone.UNKNOWN)
    if source.status == 403:
        return f"{tones.glyph(Tone.FORBIDDEN)} forbidden"
    return tones.glyph(Tone.UNKNOWN)


def _alerts(row: ClusterRow, look: Snapshot) -> str:
    parts = [f"{tones.glyph(tone)}{count} {kind}" for kind, tone, count in row.alerts]
    return _old(row, look, " ".join(parts)) or "-"


def _age(row: ClusterRow, look: Snapshot) -> str:
    return format_age(summary.oldest_age(look, (row.key.cluster,)))


def _error(row: ClusterRow, look: Snapshot) -> str:
    source = summary.trouble(look, row.key.cluster)
    if source is None:
        return ""
    kind = "" if source.kind == PROBE else f"{source.kind}: "
    retry = ""
    if source.retry_at is not None:
        retry = f", next try in {format_age(max(0.0, source.retry_at - look.now()))}"
    return f"{kind}{source.error}{retry}"


COLUMNS: tuple[Column[ClusterRow], ...] = (
    Column(title="Region", text=lambda row, _: row.region or "-"),
    Column(title="Cluster", text=lambda row, _: row.key.cluster),
    Column(title="State", text=_state),
    Column(title="Tenants", text=_tenants),
    Column(title="Nodes", text=_nodes, right=True),
    Column(title="Age", text=_age, right=True),
    Column(title="Alerts", text=_alerts),
    Column(title="Last error", text=_error),
    Column(title="Role", text=_role),
    Column(title="Version", text=lambda row, _: row.kube_version or "?"),
)


class HomeScreen(FrameScreen):
    """The fleet at a glance."""

    table: ViewTable

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[ClusterRow] = []
        self._looks: dict[str, summary.OneCluster] = {}
        self._due: dict[str, None] = {}
        self._summing = False
        self._release: Callable[[], None] | None = None
        self._cursor: Any = None

    def body(self) -> Iterable[Widget]:
        view: View[ClusterRow] = View(
            kind=PROBE,
            title="Fleet",
            record=ClusterRow,
            columns=COLUMNS,
            word=_state,
            derive=lambda _: self.rows,
        )
        self.table = ViewTable(
            view,
            self.console_app.look,
            Wanted(sort=0),
            pinned=2,
            empty=self._nothing,
            merge_first=True,
            tells_age=True,
            id="table",
        )
        yield self.table

    def on_mount(self) -> None:
        self.table.focus()
        if self.console_app.fleet is not None:
            self.on_fleet()

    def on_unmount(self) -> None:
        if self._release is not None:
            self._release()

    def on_fleet(self) -> None:
        from console.resources import views

        kinds = views()
        names = {
            name
            for kind in (*summary.ALERTING, "tenant")
            if kind in kinds
            for name in kinds[kind].watched
        }
        fleet = self.console_app.fleet
        if fleet is None or self._release is not None:
            return
        self._release = fleet.watch({*names, "node"})
        for cluster in fleet.clusters:
            self._looks[cluster.alias] = summary.OneCluster(self.console_app.look, cluster.alias)
            self.rows.append(ClusterRow(key=_key(cluster.alias), region=cluster.region))
        self._show()
        if self._cursor is not None:
            self.table.go_to(self._cursor)
        self._sum_up(self._looks)

    def on_batch(self, batch: ChangeBatch) -> None:
        touched = {key.cluster for key in batch.keys} | {place[0] for place in batch.sources}
        self._sum_up(touched)
        if batch.sources:
            self.draw_frame()

    def _sum_up(self, aliases: Iterable[str]) -> None:
        self._due.update(dict.fromkeys(alias for alias in aliases if alias in self._looks))
        if self._due and not self._summing:
            self._summing = True
            self.run_worker(self._sum_up_due(), group="summary")

    async def _sum_up_due(self) -> None:
        """Sum up one cluster at a time, with air between them for keys."""
        from console.resources import views

        kinds = views()
        loop = asyncio.get_running_loop()
        clusters = {cluster.alias: cluster for cluster in self.console_app.clusters}
        try:
            while self._due:
                due, self._due = list(self._due), {}
                began = loop.time()
                for alias in due:
                    row = summary.cluster_row(clusters[alias], self._looks[alias], kinds)
                    at = next(at for at, one in enumerate(self.rows) if one.key == row.key)
                    self.rows[at] = row
                    await asyncio.sleep(0)
                self._show()
                await asyncio.sleep(max(0.3, (loop.time() - began) * _SHARE))
        finally:
            self._summing = False

    def _show(self) -> None:
        if self.is_mounted and self.is_attached:
            self.table.look_again()

    def _nothing(self) -> list[str]:
        app = self.console_app
        if app.trouble:
            return ["the fleet cannot be opened:", "", app.trouble]
        if app.fleet is None:
            return ["reading the configuration"]
        return ["no cluster is configured"]

    def title_facts(self) -> Text:
        regions = {cluster.region for cluster in self.console_app.clusters if cluster.region}
        said = Text(f"{len(self.console_app.clusters)} clusters in {len(regions)} regions")
        current = self.table.current
        source = None
        if current is not None:
            source = summary.trouble(self.console_app.look, current.key.cluster)
        if current is not None and source is not None:
            said.append(f" · {current.key.cluster}: {source.error}", tones.style(Tone.BAD))
        return said

    def selection(self) -> list[Record]:
        return self.table.targets

    def kind(self) -> str:
        return ""

    def memo(self) -> Any:
        return self.table.cursor_key

    def recall(self, memo: Any) -> None:
        self._cursor = memo

    def on_view_table_opened(self, event: ViewTable.Opened) -> None:
        event.stop()
        self.console_app.open_table("tenant", Wanted(clusters=frozenset({event.key.cluster})))

    def on_view_table_settled(self) -> None:
        self.draw_frame()


def _key(alias: str) -> Any:
    from console.record import Key

    return Key(alias, PROBE, "", alias)

"""The palette: clusters, tenants, views and actions by any part of their names."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, cast

from textual.command import DiscoveryHit, Hit, Hits, Provider

from console.record import Record
from console.resources import views
from screens.frame import FrameScreen

if TYPE_CHECKING:
    from screens.app import ShifuApp

_Offer = tuple[str, str, Callable[[], None]]


class FleetProvider(Provider):
    """Everything of the fleet that can be gone to or done."""

    @property
    def _shifu(self) -> "ShifuApp":
        return cast("ShifuApp", self.app)

    def _views(self) -> Iterator[_Offer]:
        app = self._shifu
        for view in views().values():
            yield (
                f"View: {view.title}",
                ", ".join((view.kind, *view.aliases)),
                partial(app.open_table, view.kind),
            )
        yield "View: Fleet", "home", app.go_home
        yield "View: Runs history", "runs", app.show_runs

    def _clusters(self) -> Iterator[_Offer]:
        app = self._shifu
        yield "Scope: every cluster", "0", partial(app.set_scope, ())
        for cluster in app.clusters:
            hint = " ".join(part for part in (cluster.region, cluster.context) if part)
            yield f"Scope: {cluster.alias}", hint, partial(app.set_scope, (cluster.alias,))
            yield (
                f"Why: {cluster.alias}",
                "the last error, verbatim",
                partial(app.why, cluster.alias),
            )

    def _tenants(self) -> Iterator[_Offer]:
        app = self._shifu
        view = views().get("tenant")
        if view is None:
            return
        for tenant in view.records(app.look):
            yield (
                f"Tenant: {tenant.key.name}",
                tenant.key.cluster,
                partial(app.open_detail, tenant.key),
            )

    def _actions(self) -> Iterator[_Offer]:
        app = self._shifu
        if app.desk is None:
            return
        for manifest in app.desk.catalogue():
            yield f"Action: {manifest.title}", manifest.name, partial(self._start, manifest.name)

    def _start(self, name: str) -> None:
        self._shifu.start_action(name, self._selection())

    def _selection(self) -> list[Record]:
        screen = self._shifu.screen
        return screen.selection() if isinstance(screen, FrameScreen) else []

    def _offers(self) -> Iterator[_Offer]:
        yield from self._views()
        yield from self._actions()
        yield from self._clusters()
        yield from self._tenants()

    async def discover(self) -> Hits:
        for title, hint, act in (*self._views(), *self._actions()):
            yield DiscoveryHit(title, act, help=hint)

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for title, hint, act in self._offers():
            score = matcher.match(f"{title} {hint}")
            if score > 0:
                yield Hit(score, matcher.highlight(title), act, text=title, help=hint)

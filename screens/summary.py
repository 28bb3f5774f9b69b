"""The fleet at a glance: how each cluster stands, computed without a screen."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from console.config import Cluster
from console.record import Key, Record, Tone, Word
from console.resources import clusters
from console.store import PROBE, Snapshot, Source, SourceState
from console.view import View
from screens.widgets.rows import word_of

ALERTING = ("hpa", "node", "nodegroup", "deployment", "statefulset", "quota", "namespace")
"""Kinds whose words count as alerts of a cluster; pods speak through their workloads."""


class OneCluster(Snapshot):
    """A snapshot that sees one cluster only: what is derived from it is that cluster's part."""

    def __init__(self, look: Snapshot, cluster: str) -> None:
        self._whole = look
        self._cluster = cluster
        super().__init__(look._store, look._clock)  # noqa: SLF001  a narrower view of the same

    def rows(self, kind: str, clusters: Collection[str] | None = None) -> Iterator[Record]:
        if clusters is not None and self._cluster not in clusters:
            return iter(())
        return self._whole.rows(kind, (self._cluster,))


class ClusterRow(Record, frozen=True, kw_only=True):
    """A cluster's line on the home screen."""

    region: str = ""
    role: str = ""
    kube_version: str = ""
    production: bool = False
    read_only: bool = False
    insecure: bool = False
    nodes_ready: int | None = None
    """None until the nodes were listed."""
    nodes: int | None = None
    tenants: tuple[tuple[Tone, int], ...] | None = None
    alerts: tuple[tuple[str, Tone, int], ...] = ()


def cluster_word(look: Snapshot, alias: str) -> Word:
    """Say how a cluster's API server answers."""
    return clusters.word(clusters.Cluster(key=Key(alias, PROBE, "", alias)), look)


def oldest_age(look: Snapshot, clusters: Collection[str]) -> float | None:
    """Return the age of the oldest value on these clusters; None when some were never seen."""
    moments = [
        source.contact_at
        for source in look.sources()
        if source.cluster in clusters
        and source.state not in (SourceState.FORBIDDEN, SourceState.ABSENT)
    ]
    known = [moment for moment in moments if moment is not None]
    if not known:
        return None
    return max(0.0, look.now() - min(known))


def trouble(look: Snapshot, alias: str) -> Source | None:
    """Return the source of a cluster that says most about what is wrong: its probe first."""
    failing = [
        source
        for source in look.sources()
        if source.cluster == alias and source.error and source.state is not SourceState.LIVE
    ]
    return min(failing, key=lambda source: source.kind != PROBE, default=None)


def fleet_counts(look: Snapshot, aliases: Collection[str]) -> Counter[Tone]:
    """Count the clusters by the tone of their word."""
    return Counter(cluster_word(look, alias).tone for alias in aliases)


def cluster_row(cluster: Cluster, mine: OneCluster, kinds: Mapping[str, View[Any]]) -> ClusterRow:
    """Sum up one cluster."""
    alias = cluster.alias
    key = Key(alias, PROBE, "", alias)
    seen = mine.get(key)
    nodes = list(mine.rows("node")) if _listed(mine, alias, "node") else None
    return ClusterRow(
        key=key,
        region=cluster.region,
        role=str(getattr(seen, "role", None) or cluster.role or ""),
        kube_version=getattr(seen, "version_text", None) or "",
        production=cluster.production,
        read_only=cluster.read_only,
        insecure=cluster.insecure,
        nodes=None if nodes is None else len(nodes),
        nodes_ready=None if nodes is None else sum(getattr(n, "is_ready", False) for n in nodes),
        tenants=_tenants(mine, alias, kinds),
        alerts=tuple(_alerts(mine, alias, kinds)),
    )


def _listed(look: Snapshot, alias: str, kind: str) -> bool:
    source = look.source(alias, kind)
    return source is not None and source.complete_at is not None


def _tenants(
    mine: Snapshot, alias: str, kinds: Mapping[str, View[Any]]
) -> tuple[tuple[Tone, int], ...] | None:
    view = kinds.get("tenant")
    if view is None or not _listed(mine, alias, "namespace"):
        return None
    counts = Counter(word_of(view, record, mine).tone for record in view.records(mine))
    return tuple(sorted(counts.items(), key=lambda pair: pair[0].severity))


def _alerts(
    mine: Snapshot, alias: str, kinds: Mapping[str, View[Any]]
) -> Iterator[tuple[str, Tone, int]]:
    for kind in ALERTING:
        view = kinds.get(kind)
        if view is None or not all(_listed(mine, alias, name) for name in view.watched):
            continue
        counts = Counter(word_of(view, record, mine).tone for record in view.records(mine))
        for tone in (Tone.BAD, Tone.WARN):
            if counts[tone]:
                yield kind, tone, counts[tone]

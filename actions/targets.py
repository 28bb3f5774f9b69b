"""Finds the record an action acts on, by the name a person gave."""

from collections.abc import Collection
from difflib import get_close_matches
from typing import Any

import msgspec

from console.config import Cluster
from console.errors import ConfigError
from console.fleet import Fleet
from console.record import Key, Record
from console.resources import views
from console.store import SourceState
from console.view import View


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """The record, its cluster, and which clusters could not be searched."""

    record: Record
    cluster: Cluster
    unsearched: tuple[str, ...] = ()

    @property
    def names(self) -> dict[str, Any]:
        """Return what `target.` means in a manifest."""
        key = self.record.key
        return {
            **msgspec.to_builtins(self.record),
            "name": key.name,
            "namespace": key.namespace or key.name,
            "cluster": key.cluster,
            "context": self.cluster.context,
            "region": self.cluster.region,
            "account": self.cluster.account,
        }

    @property
    def place(self) -> str:
        """Say where it is: cluster, context, account, region."""
        cluster = self.cluster
        parts = [cluster.alias]
        if cluster.context != cluster.alias:
            parts.append(f"context {cluster.context}")
        if cluster.account:
            parts.append(f"account {cluster.account}")
        if cluster.region:
            parts.append(cluster.region)
        return ", ".join(parts)


async def find_target(
    fleet: Fleet, kind: str, wanted: str | Key, clusters: Collection[str]
) -> Target:
    """Find exactly one record.

    Raises:
        ConfigError: there is none, or there are several.

    """
    view = views()[kind]
    scope = (wanted.cluster,) if isinstance(wanted, Key) else tuple(clusters)
    read = _read(view)
    await fleet.collect((read,), scope)
    rows = [row for row in view.records(fleet.look) if row.key.cluster in scope]
    failing = tuple(alias for alias in scope if not _answered(fleet, alias, read))
    found = [row for row in rows if _is(row, wanted)]
    if len(found) == 1:
        cluster = fleet.inventory.named(found[0].key.cluster)
        return Target(record=found[0], cluster=cluster, unsearched=failing)
    if found:
        places = ", ".join(sorted(str(row.key) for row in found))
        raise ConfigError(
            f"{kind} {wanted} is in {len(found)} places: {places}",
            remedy="say which with --context",
        )
    names = sorted({row.key.name for row in rows})
    silent = [_silence(fleet, alias, read) for alias in failing]
    raise _not_found(kind, str(wanted), names, silent)


def _read(view: View[Any]) -> str:
    """Return the one kind that has to be read for the view's rows to exist."""
    return view.watched[0] if view.derive is None or view.needs else view.kind


def _is(row: Record, wanted: str | Key) -> bool:
    if isinstance(wanted, Key):
        return row.key == wanted
    return wanted in (row.key.name, str(row.key))


def _answered(fleet: Fleet, alias: str, kind: str) -> bool:
    source = fleet.look.source(alias, kind)
    return source is not None and source.state is SourceState.LIVE


def _silence(fleet: Fleet, alias: str, kind: str) -> str:
    source = fleet.look.source(alias, kind)
    return f"{alias}: {source.error if source and source.error else 'no answer'}"


def _not_found(kind: str, wanted: str, names: list[str], silent: list[str]) -> ConfigError:
    near = get_close_matches(wanted, names, n=3)
    hints = [f"did you mean {', '.join(near)}?"] if near else []
    if silent:
        hints.append(f"not searched: {'; '.join(silent)}")
    elif not near:
        hints.append(f"known: {', '.join(names[:20])}" if names else f"there is no {kind} here")
    return ConfigError(f"no {kind} is called {wanted}", remedy="; ".join(hints))

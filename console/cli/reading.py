"""Reads kinds once over the clusters in scope, and says what could not be read."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import click

from console.cli.exits import Exit
from console.commands import Query, Test, labels_test
from console.errors import ConfigError
from console.fleet import Fleet
from console.inventory import Inventory
from console.record import Key, Record
from console.redact import printable
from console.store import PROBE, Snapshot, Source, SourceState
from console.view import View

_FIELDS: dict[str, Callable[[Record], Any]] = {
    "metadata.name": lambda record: record.key.name,
    "metadata.namespace": lambda record: record.key.namespace,
    "spec.nodeName": lambda record: getattr(record, "node", None),
    "status.phase": lambda record: getattr(record, "phase", None),
    "involvedObject.kind": lambda record: getattr(record, "about_kind", None),
    "involvedObject.name": lambda record: getattr(record, "about_name", None),
    "reason": lambda record: getattr(record, "reason", None),
    "type": lambda record: getattr(record, "type", None),
}


@dataclass(frozen=True, kw_only=True)
class Choice:
    """Which records of a kind are asked for, and in which clusters."""

    view: View[Record]
    clusters: tuple[str, ...]
    names: tuple[str, ...] = ()
    query: Query
    labels: Test | None = None
    fields: tuple[tuple[str, bool, str], ...] = ()
    only_faults: bool = False

    def accepts(self, record: Record, look: Snapshot) -> bool:
        """Tell whether a record is asked for."""
        key = record.key
        if key.cluster not in self.clusters or not self.query.accepts(record):
            return False
        if self.names and not _is_named(key, self.names):
            return False
        if self.labels is not None and not self.labels("", record.labels):
            return False
        for path, wanted, value in self.fields:
            if (_FIELDS[path](record) == value) is not wanted:
                return False
        if self.only_faults and not self.view.judged(record, look).tone.is_fault:
            return False
        return not self.query.filter or self.query.filter.matches(
            self._text(record, look), record.labels
        )

    def _text(self, record: Record, look: Snapshot) -> str:
        cells = (column.text(record, look) for column in self.view.columns)
        texts = [cell if isinstance(cell, str) else cell.text for cell in cells]
        return "  ".join([record.key.cluster, record.key.namespace, *texts])

    def records(self, look: Snapshot) -> list[Record]:
        """Return the records asked for, by cluster, namespace and name."""
        found = (one for one in self.view.records(look) if self.accepts(one, look))
        return sorted(found, key=lambda record: record.key)

    @property
    def kinds(self) -> tuple[str, ...]:
        """Return the kinds to read."""
        return self.view.watched


def _is_named(key: Key, names: Iterable[str]) -> bool:
    return any(key.name == name or str(key) == name for name in names)


def label_test(selector: str | None) -> Test | None:
    """Read `-l`.

    Raises:
        ConfigError: it cannot be read.

    """
    return labels_test(selector) if selector else None


def field_tests(selector: str | None) -> tuple[tuple[str, bool, str], ...]:
    """Read `--field-selector`: path, whether it has to be equal, value.

    Raises:
        ConfigError: a path cannot be selected by.

    """
    tests = []
    for part in filter(None, (selector or "").split(",")):
        path, sign, value = part.partition("!=") if "!=" in part else part.partition("=")
        if path not in _FIELDS or not sign:
            raise ConfigError(
                f"cannot select by {part!r}", remedy=f"PATH=VALUE with one of {', '.join(_FIELDS)}"
            )
        tests.append((path, sign == "=", value.removeprefix("=")))
    return tuple(tests)


def clusters_of(query: Query, scope: tuple[str, ...], inventory: Inventory) -> tuple[str, ...]:
    """Return the clusters that are both in scope and named with @."""
    if not query.clusters:
        return scope
    named = inventory.choose(query.clusters)
    return tuple(alias for alias in scope if alias in named)


async def collect(fleet: Fleet, choice: Choice) -> None:
    """Read the kinds of a choice once in its clusters."""
    await fleet.collect(choice.kinds, choice.clusters)


def sources_of(choice: Choice, look: Snapshot) -> list[Source]:
    """Return how reading went: each cluster's probe and each kind that was read."""
    kinds = (PROBE, *choice.kinds)
    found = (look.source(alias, kind) for alias in choice.clusters for kind in kinds)
    return [source for source in found if source is not None]


def complain(sources: list[Source]) -> None:
    """Say on stderr what is missing from the output, a line for each cluster and error."""
    said: set[tuple[str, str]] = set()
    for source in sources:
        if not _is_amiss(source) or (source.cluster, source.error) in said:
            continue
        said.add((source.cluster, source.error))
        what = "" if source.kind == PROBE else f" {source.kind}:"
        hint = f" ({source.remedy})" if source.remedy else ""
        line = f"incomplete: {source.cluster}:{what} {source.error or source.state.value}{hint}"
        click.echo(printable(line), err=True)


def verdict(sources: list[Source]) -> Exit:
    """Return PARTIAL when something could not be read, AUTH when credentials are the only cause."""
    amiss = [source for source in sources if _is_amiss(source)]
    if not amiss:
        return Exit.OK
    return Exit.AUTH if all(_is_auth(source) for source in amiss) else Exit.PARTIAL


def _is_amiss(source: Source) -> bool:
    if source.state is SourceState.ABSENT:
        return False
    return source.state is not SourceState.LIVE or source.complete_at is None


def _is_auth(source: Source) -> bool:
    return (
        source.state is SourceState.FORBIDDEN
        or source.status in (401, 403)
        or (source.status is None and "log in" in source.remedy)
    )

"""Lists records of a kind over all clusters."""

import asyncio
import contextlib
import json
import sys
from collections.abc import Callable
from typing import Any

import click

from console.cli.exits import Exit
from console.cli.output import FORMATS, Sheet, document, encode, item, write
from console.cli.reading import (
    Choice,
    clusters_of,
    collect,
    complain,
    field_tests,
    label_test,
    sources_of,
    verdict,
)
from console.cli.session import Session
from console.commands import scoped
from console.errors import ConfigError
from console.fleet import Fleet
from console.record import Key, Record
from console.resources import view_named
from console.store import Snapshot
from console.view import View

_REDRAW_SECONDS = 0.5
_POLL_SECONDS = 0.05


@click.command(name="get")
@click.argument("kind")
@click.argument("words", nargs=-1)
@click.option("-o", "--output", "form", type=click.Choice(FORMATS), default="table")
@click.option("-A", "--all-namespaces", is_flag=True, help="All namespaces (as without -n).")
@click.option("-n", "--namespace", default="", help="Only this namespace.")
@click.option("-l", "--selector", help="Label selector, as in kubectl.")
@click.option("--field-selector", help="As in spec.nodeName=ip-10-0-1-2.")
@click.option("--context", "contexts", multiple=True, metavar="NAME|GLOB", help="Only these.")
@click.option("--sort-by", metavar="COLUMN", help="A column's title; -COLUMN turns it round.")
@click.option("--only-faults", is_flag=True, help="Only what is warn, bad, stale or unknown.")
@click.option("--no-headers", is_flag=True, help="No line of titles.")
@click.option("-w", "--watch", "follow", is_flag=True, help="Go on with what changes.")
@click.pass_obj
def command(
    session: Session,
    *,
    kind: str,
    words: tuple[str, ...],
    form: str,
    all_namespaces: bool,
    namespace: str,
    selector: str | None,
    field_selector: str | None,
    contexts: tuple[str, ...],
    sort_by: str | None,
    only_faults: bool,
    no_headers: bool,
    follow: bool,
) -> int:
    """List records of KIND: get KIND [NAME]... [@SCOPE]... [LABEL=VALUE]... [/FILTER].

    Exit code 3 when a cluster could not be read, 4 when only credentials are the cause.
    """
    if all_namespaces and namespace:
        raise click.UsageError("-A and -n exclude each other")
    choice = choose(
        session,
        kind,
        words,
        contexts=contexts,
        namespace=namespace,
        selector=selector,
        field_selector=field_selector,
        only_faults=only_faults,
    )
    order = _Order(choice.view, sort_by)
    if follow:
        if form in ("yaml", "name"):
            raise click.UsageError("-w goes with -o table, wide or json")
        return asyncio.run(_follow(session, choice, form, heading=not no_headers))
    return asyncio.run(_get(session, choice, form, order, heading=not no_headers))


def choose(
    session: Session,
    kind: str,
    words: tuple[str, ...],
    *,
    contexts: tuple[str, ...] = (),
    namespace: str = "",
    selector: str | None = None,
    field_selector: str | None = None,
    only_faults: bool = False,
) -> Choice:
    """Turn arguments into what is asked for.

    Raises:
        ConfigError: a word, a selector or a scope cannot be read.

    """
    kind, _, name = kind.partition("/")
    view = view_named(kind)
    line = " ".join(words)
    before, slash, expression = f" {line}".partition(" /")
    names = [word for word in before.split() if word[0] != "@" and "=" not in word]
    others = [word for word in before.split() if word not in names]
    query = scoped(view.kind, others, expression if slash else "")
    if namespace:
        query = scoped(view.kind, [*others, namespace], expression if slash else "")
    scope = session.scope(contexts)
    return Choice(
        view=view,
        clusters=clusters_of(query, scope, session.inventory),
        names=(*((name,) if name else ()), *names),
        query=query,
        labels=label_test(selector),
        fields=field_tests(field_selector),
        only_faults=only_faults,
    )


class _Order:
    """Sorts records by a column."""

    def __init__(self, view: View[Record], title: str | None) -> None:
        self._turned = bool(title and title.startswith("-"))
        wanted = (title or "").removeprefix("-").lower().replace("-", " ")
        named = [column for column in view.columns if column.title.lower() == wanted]
        if wanted and not named:
            titles = ", ".join(column.title for column in view.columns)
            raise ConfigError(f"{view.title} have no column {title!r}", remedy=f"one of {titles}")
        self._column = named[0] if named else None

    def sort(self, records: list[Record], look: Snapshot) -> list[Record]:
        """Return the records in order; those without a value last."""
        column = self._column
        if column is None:
            return records
        value: Callable[[Record, Snapshot], Any] = column.order or column.text
        found = [(value(record, look), record) for record in records]
        known = [pair for pair in found if pair[0] is not None]
        known.sort(key=lambda pair: pair[0], reverse=self._turned)
        return [record for _, record in known] + [
            record for value, record in found if value is None
        ]


async def _get(session: Session, choice: Choice, form: str, order: _Order, *, heading: bool) -> int:
    async with session.open_fleet() as fleet:
        await collect(fleet, choice)
        look = fleet.look
        records = order.sort(choice.records(look), look)
        sources = sources_of(choice, look)
        _print(choice, records, form, look, heading=heading)
    complain(sources)
    result = verdict(sources)
    if choice.names and result is Exit.OK:
        return _missing(choice, records)
    return int(result)


def _print(
    choice: Choice, records: list[Record], form: str, look: Snapshot, *, heading: bool
) -> None:
    if form in ("json", "yaml"):
        write(encode(document(choice.view, records, sources_of(choice, look), look), form))
    elif form == "name":
        for record in records:
            write(str(record.key))
    elif records:
        sheet = Sheet(choice.view, look, wide=form == "wide", stream=sys.stdout)
        write("\n".join(sheet.lines(records, heading=heading)))
    else:
        click.echo(f"no {choice.view.title.lower()} found", err=True)


def _missing(choice: Choice, records: list[Record]) -> int:
    found = {name for record in records for name in (record.key.name, str(record.key))}
    absent = [name for name in choice.names if name not in found]
    if not absent:
        return int(Exit.OK)
    click.echo(f"{choice.view.kind} not found: {', '.join(absent)}", err=True)
    return int(Exit.PROBLEMS)


async def _follow(session: Session, choice: Choice, form: str, *, heading: bool) -> int:
    async with session.open_fleet() as fleet:
        stop = fleet.watch(choice.kinds, choice.clusters)
        running = asyncio.create_task(fleet.run())
        try:
            await _until_read(fleet, choice, session)
            complain(sources_of(choice, fleet.look))
            await _Follower(fleet, choice, form, heading=heading).run(session)
        finally:
            stop()
            running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await running
    return int(Exit.OK)


async def _until_read(fleet: Fleet, choice: Choice, session: Session) -> None:
    """Wait until every kind is read or failed, at most as long as one request may take."""
    end = session.clock.monotonic() + session.request_timeout
    wanted = len(choice.clusters) * len(choice.kinds)
    while session.clock.monotonic() < end:
        told = [
            source
            for source in sources_of(choice, fleet.look)
            if source.kind in choice.kinds and (source.complete_at is not None or source.error)
        ]
        if len(told) >= wanted:
            return
        await session.clock.sleep(_POLL_SECONDS)


class _Follower:
    """Prints rows as they come, change and go."""

    def __init__(self, fleet: Fleet, choice: Choice, form: str, *, heading: bool) -> None:
        self._look = fleet.look
        self._choice = choice
        self._json = form == "json"
        self._heading = heading
        self._sheet = Sheet(choice.view, self._look, wide=form == "wide", stream=sys.stdout)
        self._shown: dict[Key, tuple[Record, Any]] = {}

    async def run(self, session: Session) -> None:
        version = -1
        while True:
            current = self._look.version((*self._choice.kinds, self._choice.view.kind))
            if current != version:
                version = current
                self._step()
            await session.clock.sleep(_REDRAW_SECONDS)

    def _step(self) -> None:
        records = {record.key: record for record in self._choice.records(self._look)}
        changed = []
        for key, record in records.items():
            print_ = (record, self._choice.view.judged(record, self._look).text)
            if self._shown.get(key) != print_:
                changed.append(("MODIFIED" if key in self._shown else "ADDED", record))
                self._shown[key] = print_
        gone = [key for key in self._shown if key not in records]
        changed += [("DELETED", self._shown.pop(key)[0]) for key in gone]
        self._write(changed)

    def _write(self, changed: list[tuple[str, Record]]) -> None:
        if not changed:
            return
        if self._json:
            for event, record in changed:
                line = {"type": event, "object": item(self._choice.view, record, self._look)}
                write(json.dumps(line, ensure_ascii=False))
            return
        lines = self._sheet.lines([record for _, record in changed], heading=self._heading)
        marks = [" (gone)" if event == "DELETED" else "" for event, _ in changed]
        marks = ["", *marks] if self._heading else marks
        self._heading = False
        write("\n".join(f"{line}{mark}" for line, mark in zip(lines, marks, strict=True)))

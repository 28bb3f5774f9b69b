"""What a kind is: where it is read, how it is decoded, its words and its columns.

A View is data. The tables, `get`, the ':' aliases, completion and the palette follow from it.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import msgspec

from console.record import Record, Tone, Word
from console.store import Freshness, Snapshot
from console.units import format_age

R = TypeVar("R", bound=Record)
W = TypeVar("W", bound=msgspec.Struct)


@dataclass(frozen=True, kw_only=True)
class Column(Generic[R]):
    """One column: a title, the text of a cell, and what it is sorted by."""

    title: str
    text: Callable[[R, Snapshot], str | Word]
    order: Callable[[R, Snapshot], Any] | None = None
    """A sort value; the text when absent. None sorts last."""
    right: bool = False
    wide: bool = False
    """Shown with `-o wide` and ctrl-w only."""


@dataclass(frozen=True, kw_only=True)
class KubeSource(Generic[W, R]):
    """How a kind is read from an API server.

    `wire` is a partial msgspec struct of one object, all of its fields optional; `flatten` makes
    the slim record and returns None for an object that cannot be one (no name).
    `carry(before, fresh, now)` takes over from the record before what only history tells; `now`
    is wall time.
    """

    path: str
    """The collection over all namespaces: /apis/apps/v1/deployments."""
    wire: type[W]
    flatten: Callable[[str, W], R | None]
    carry: Callable[[R, R, float], R] | None = None


@dataclass(frozen=True, kw_only=True)
class View(Generic[R]):
    """A kind of record, declared."""

    kind: str
    """Singular, lower case: the `kind` of its keys."""
    title: str
    record: type[R]
    columns: tuple[Column[R], ...]
    word: Callable[[R, Snapshot], Word]
    aliases: tuple[str, ...] = ()
    """Plural, short and other names; the kind itself need not be among them."""
    source: KubeSource[Any, R] | None = None
    derive: Callable[[Snapshot], Iterable[R]] | None = None
    """For kinds that are computed from others, such as tenants."""
    needs: tuple[str, ...] = ()
    """Other kinds that must be watched for this one's rows and words."""
    extra: Callable[[R, Snapshot], dict[str, Any]] | None = None
    """Joined values for `-o json`, camelCase, beside the record's own fields."""
    facts: Callable[[R, Snapshot], Iterable[tuple[str, str | Word]]] | None = None
    """Label and value lines for the detail; the columns when absent."""
    related: Callable[[R, Snapshot], Iterable[Record]] | None = None
    """Neighbours shown in the detail: owner, children, autoscaler, node."""
    actions: tuple[str, ...] = ()
    namespaced: bool = True

    def records(self, look: Snapshot) -> Iterable[R]:
        """Return every record of this kind."""
        if self.derive is not None:
            return self.derive(look)
        return look.rows(self.kind)  # type: ignore[return-value]  # tables hold one kind each

    @property
    def watched(self) -> tuple[str, ...]:
        """Return the kinds to watch while this view is looked at."""
        own = () if self.source is None else (self.kind,)
        return (*own, *(kind for kind in self.needs if kind != self.kind))

    def provenance(self, record: R, look: Snapshot) -> "Provenance":
        """Tell how fresh a record is: as the kind it is read as, or computed from first.

        What else a word was judged by has its own freshness and shows in its own word.
        """
        cluster = record.key.cluster
        kind = (*self.watched, self.kind)[0]
        source = look.source(cluster, kind)
        if source is None and not self.watched:
            return Provenance("console", look.now(), Freshness.FRESH)
        return Provenance(
            source.method if source else "none",
            source.contact_at if source else None,
            look.freshness(cluster, kind),
        )

    def judged(self, record: R, look: Snapshot) -> Word:
        """Return the record's word, greyed when its source is no longer to be believed."""
        word = self.word(record, look)
        if not self.watched:
            return word
        found = self.provenance(record, look)
        if found.freshness is Freshness.FRESH:
            return word
        moment = found.observed_at
        silence = "never" if moment is None else f"{format_age(look.now() - moment)} ago"
        return believed(word, found.freshness, heard=f"last heard {silence}")


def believed(word: Word, freshness: Freshness, *, heard: str = "") -> Word:
    """Return a word as it may be shown: an old one is not told as if it were sure."""
    match freshness:
        case Freshness.FRESH:
            return word
        case Freshness.STALE:
            return Word(word.text, Tone.STALE, f"{heard or 'stale'}; {word.reason or word.text}")
        case Freshness.UNKNOWN:
            return Word("UNKNOWN", Tone.UNKNOWN, f"{heard or 'no fresh data'}; was {word.text}")


class Provenance(msgspec.Struct, frozen=True):
    """Where a record's values come from, up to when they held, and whether to believe them."""

    source: str
    observed_at: float | None
    freshness: Freshness

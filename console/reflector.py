"""Keeps one kind of one cluster in the store equal to the server: list, watch, list again."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from typing import Any

import msgspec

from console.clock import Clock
from console.errors import (
    AuthExpiredError,
    ConsoleError,
    ForbiddenError,
    GoneError,
    LinkError,
    NotFoundError,
    ThrottledError,
)
from console.links.kube.decode import Change, Codec
from console.links.kube.http import Connection, SilenceError
from console.links.retry import Backoff, Pace
from console.record import Record
from console.store import Source, SourceState, Store
from console.view import KubeSource

_SHORT_WATCH = 5.0


class Slots:
    """Lets few list pages travel at once over the whole fleet, and one be decoded at a time.

    A slot lapses when its page is slow: a server that makes us wait must not make others wait.
    """

    def __init__(self, pace: Pace, size: int = 4) -> None:
        self._free = asyncio.Semaphore(size)
        self._decoding = asyncio.Lock()
        self._lapse = pace.slot_lapse

    @asynccontextmanager
    async def page(self) -> AsyncIterator[None]:
        """Hold a slot while a page is asked for."""
        held = True

        def release() -> None:
            nonlocal held
            if held:
                held = False
                self._free.release()

        await self._free.acquire()
        lapse = asyncio.get_running_loop().call_later(self._lapse, release)
        try:
            yield
        finally:
            lapse.cancel()
            release()

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Hold the only turn to decode; then let keys be answered."""
        async with self._decoding:
            yield
            await asyncio.sleep(0)


class Reflector:
    """Reads one kind of one cluster; the only writer of its records."""

    def __init__(
        self,
        connection: Connection,
        kind: str,
        source: KubeSource[Any, Any],
        store: Store,
        clock: Clock,
        *,
        slots: Slots,
        pace: Pace,
    ) -> None:
        self._connection = connection
        self._kind = kind
        self._path = source.path
        self._carry = source.carry
        self._codec: Codec[Record] = Codec(connection.alias, source)
        self._store = store
        self._clock = clock
        self._slots = slots
        self._pace = pace
        self._backoff = Backoff(pace)
        self._version: str | None = None
        self._silences = 0
        self._skipped = 0
        self._kicked = asyncio.Event()

    @property
    def source(self) -> Source:
        """Return how the reading goes."""
        cluster = self._connection.alias
        return self._store.sources.get((cluster, self._kind)) or Source(
            cluster=cluster, kind=self._kind, method="watch"
        )

    def kick(self, *, relist: bool = True) -> None:
        """List again now, or only open a new watch, whatever it waits for."""
        if relist:
            self._version = None
        self._kicked.set()

    async def run(self, ready: Callable[[], Awaitable[None]]) -> None:
        """Follow the server until cancelled; `ready` returns when it makes sense to ask it."""
        self._store.note(msgspec.structs.replace(self.source, method="watch"))
        while True:
            await ready()
            self._kicked.clear()
            try:
                await self._follow()
            except GoneError as error:
                self._version = None  # the rows stay until a complete list says otherwise
                pause = self._backoff.after(error)
                if self._backoff.attempts > 1:
                    self.fail(error, self._clock.now() + pause)
                await self._pause(pause)
            except ConsoleError as error:
                await self._pause(self._note_failure(error))

    async def list_once(self, patience: float) -> None:
        """Read the whole list once; errors end in the Source.

        A server that asks to wait no longer than `patience` is asked once more, as kubectl does.
        """
        self._store.note(msgspec.structs.replace(self.source, method="list"))
        try:
            try:
                await self._list()
            except ThrottledError as error:
                if error.retry_after is None or error.retry_after > patience:
                    raise
                await self._clock.sleep(error.retry_after)
                await self._list()
        except ConsoleError as error:
            self.fail(error, None)

    def fail(self, error: ConsoleError, retry_at: float | None) -> None:
        """Note that reading failed, and when it is tried again."""
        state = SourceState.FAILING
        if isinstance(error, ForbiddenError):
            state = SourceState.FORBIDDEN
        elif isinstance(error, NotFoundError):
            state = SourceState.ABSENT
        note = msgspec.structs.replace(
            self.source,
            state=state,
            error=error.message.removeprefix(f"{self._connection.alias}: "),
            remedy=error.remedy,
            status=status_of(error),
            attempts=max(1, self._backoff.attempts),
            retry_at=retry_at,
        )
        self._store.note(note)

    async def _follow(self) -> None:
        """List when needed, then watch until the stream ends, or until kicked."""
        if self._version is None:
            await self._list()
        watching = asyncio.ensure_future(self._watch(self._version or ""))
        kicked = asyncio.ensure_future(self._kicked.wait())
        try:
            await asyncio.wait({watching, kicked}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            kicked.cancel()
            if not watching.done():
                watching.cancel()
                await asyncio.wait({watching})
        if not watching.cancelled():
            watching.result()

    async def _list(self) -> None:
        """Read page after page; rows are in the store at once, and leave when none named them."""
        names: set[tuple[str, str]] = set()
        more, restarts, self._skipped = "", 0, 0
        while True:
            try:
                async with self._slots.page():
                    body = await self._connection.page(self._path, more)
            except GoneError:
                if not more or restarts:
                    raise
                names, more, restarts = set(), "", 1
                continue
            async with self._slots.turn():
                page = self._codec.page(body)
                del body
                for record in page.records:
                    names.add((record.key.namespace, record.key.name))
                    self._put(record)
            self._skipped += page.skipped
            self._note_life()
            more = page.more
            if not more:
                break
        self._store.keep_only(self._connection.alias, self._kind, names)
        self._version = page.version
        self._note_complete()

    async def _watch(self, since: str) -> None:
        started, heard, skipped = self._clock.monotonic(), False, self._skipped
        try:
            async with aclosing(self._connection.watch(self._path, since)) as stream:
                async for lines in stream:
                    for line in lines:
                        self._apply(line)
                    if lines and not heard:
                        heard, self._silences = True, 0
                        self._backoff.reset()
                    if self.source.state is not SourceState.LIVE or self._skipped != skipped:
                        self._note_complete()
                        skipped = self._skipped
                    self._note_life()
        except SilenceError:
            self._silences += 1
            if self._silences > 1:
                self._version = None  # not even a fresh stream speaks: only a list tells more
            raise
        if not heard and self._clock.monotonic() - started < _SHORT_WATCH:
            raise LinkError(
                f"{self._connection.alias}: {self._kind}: the server ends each watch at once"
            )
        self._note_life()

    def _apply(self, line: bytes) -> None:
        change, record, version = self._codec.event(line)
        if change is Change.BOOKMARK:
            self._version = version or self._version
        elif record is None:
            self._skipped += 1
        elif change is Change.PUT:
            self._put(record)
            self._version = record.version or self._version
        else:
            self._store.remove(record.key)
            self._version = record.version or self._version

    def _put(self, record: Record) -> None:
        before = self._store.snapshot.get(record.key)
        if before is not None:
            if before.version == record.version and before.uid == record.uid and record.version:
                return
            if self._carry is not None:
                record = self._carry(before, record, self._clock.now())
        self._store.upsert(record)

    def _note_life(self) -> None:
        self._store.contact(self._connection.alias, self._kind, self._clock.now())

    def _note_complete(self) -> None:
        now = self._clock.now()
        count = f"{self._skipped} object{'s' if self._skipped > 1 else ''}"
        text = f"{count} could not be read" if self._skipped else ""
        note = msgspec.structs.replace(
            self.source,
            state=SourceState.LIVE,
            contact_at=now,
            complete_at=self.source.complete_at or now,
            error=text,
            remedy="",
            status=None,
            attempts=0,
            retry_at=None,
        )
        self._store.note(note)

    def _note_failure(self, error: ConsoleError) -> float:
        pause = self._backoff.after(error)
        self.fail(error, self._clock.now() + pause)
        return pause

    async def _pause(self, seconds: float) -> None:
        """Wait, unless kicked."""
        sleep = asyncio.ensure_future(self._clock.sleep(seconds))
        kicked = asyncio.ensure_future(self._kicked.wait())
        try:
            await asyncio.wait({sleep, kicked}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleep.cancel()
            kicked.cancel()


def status_of(error: ConsoleError) -> int | None:
    """Return the HTTP code of an error; 401 for credentials that could not even be had."""
    if isinstance(error, AuthExpiredError):
        return 401
    return error.status if isinstance(error, LinkError) else None

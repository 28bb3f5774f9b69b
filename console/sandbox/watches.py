"""Watch streams: replay, live changes, bookmarks, and how they end."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterator

import msgspec
from aiohttp import web

from console.sandbox import lists, requests
from console.sandbox.kinds import Kind
from console.sandbox.negotiate import Form
from console.sandbox.objects import Obj
from console.sandbox.selectors import Test
from console.sandbox.status import ApiError, gone
from console.sandbox.store import Change, Entry, Store

Send = Callable[[bytes], Awaitable[None]]

_BOOKMARK_SECONDS = 60
_BOOKMARK_BEFORE_END = 2
_FIRST_EVENTS_END = {"k8s.io/initial-events-end": "true"}


class Watch:
    """One client's stream over one kind."""

    def __init__(
        self, request: web.Request, store: Store, kind: Kind, namespace: str, form: Form
    ) -> None:
        self._store, self._kind, self._namespace, self._form = store, kind, namespace, form
        self._chosen: Test | None = lists.chooser(request, kind)
        self._bookmarks = requests.flag(request, "allowWatchBookmarks")
        self._asked = lists.parse_revision(request.query.get("resourceVersion", ""))
        self._listing = _sends_initial_events(request)
        limit = requests.number(request, "timeoutSeconds")
        self._seconds = limit or random.uniform(1800, 3600)  # noqa: S311 - spreads reconnects
        self._revision = self._asked
        self._headed = True
        self._queue, self._close = store.subscribe(kind)

    def cut(self) -> None:
        """End the stream after what it is sending."""
        self._store.end(self._queue)

    async def run(self, send: Send) -> None:
        """Send events until the time is up, the client is too slow, or the stream is cut."""
        try:
            for line in [*self._first()]:
                await send(line)
            await self._follow(send)
        except ApiError as error:
            await send(_line("ERROR", msgspec.json.encode(error.status)))
        finally:
            self._close()

    async def _follow(self, send: Send) -> None:
        clock = asyncio.get_running_loop().time
        end = clock() + self._seconds
        bookmark = min(clock() + _BOOKMARK_SECONDS, end - _BOOKMARK_BEFORE_END)
        while clock() < end:
            waiting = min(bookmark if bookmark > clock() else end, end) - clock()
            try:
                change = await asyncio.wait_for(self._queue.get(), max(waiting, 0))
            except TimeoutError:
                if self._bookmarks and clock() < end:
                    await send(self._bookmark())
                bookmark = clock() + _BOOKMARK_SECONDS
                continue
            if change is None:
                return
            if change.revision > self._revision and (line := self._line(change)):
                await send(line)
            self._revision = max(self._revision, change.revision)

    def _first(self) -> Iterator[bytes]:
        if self._asked and not self._listing:
            for change in self._store.since(self._kind, self._asked):
                if line := self._line(change):
                    yield line
            self._revision = self._store.revision
            return
        self._revision = self._store.revision
        found = sorted(self._store.snapshot(self._kind, self._revision).items())
        for _, one in found:
            if self._takes(one):
                yield self._event("ADDED", one)
        if self._listing:
            yield self._bookmark(_FIRST_EVENTS_END)

    def _takes(self, one: Entry | None) -> bool:
        if one is None:
            return False
        if self._namespace and one.obj["metadata"].get("namespace") != self._namespace:
            return False
        return self._chosen is None or self._chosen(one.obj)

    def _line(self, change: Change) -> bytes | None:
        before, after = self._takes(change.old), self._takes(change.new)
        if not before and not after:
            return None
        word = ("MODIFIED" if before else "ADDED") if after else "DELETED"
        return self._event(word, change.last)

    def _event(self, word: str, one: Entry) -> bytes:
        if self._form.shape == "Table":
            meta = {"resourceVersion": one.revision}
            table = self._form.table(self._kind, [one], meta, headed=self._headed)
            self._headed = False
            return _line(word, msgspec.json.encode(table))
        return _line(word, self._form.one(self._kind, one))

    def _bookmark(self, annotations: Obj | None = None) -> bytes:
        revision = str(max(self._revision, self._store.revision))
        meta: Obj = {"resourceVersion": revision}
        if annotations:
            meta["annotations"] = annotations
        kind, version = self._kind.name, self._kind.api_version
        if self._form.shape == "Table":
            kind, version = "Table", "meta.k8s.io/v1"
        body: Obj = {"kind": kind, "apiVersion": version, "metadata": meta}
        if self._form.shape == "Table":
            body |= {"columnDefinitions": None, "rows": []}
        return _line("BOOKMARK", msgspec.json.encode(body))


def _line(word: str, body: bytes) -> bytes:
    return b'{"type":"%s","object":%s}\n' % (word.encode(), body)


def gone_line() -> bytes:
    """Write the event that tells a client its version is forgotten."""
    error = gone("The resourceVersion for the provided watch is too old.")
    return _line("ERROR", msgspec.json.encode(error.status))


def _sends_initial_events(request: web.Request) -> bool:
    if "sendInitialEvents" not in request.query:
        return False
    if request.query.get("resourceVersionMatch") != "NotOlderThan":
        raise ApiError(
            422,
            'ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: Forbidden:'
            " sendInitialEvents requires setting resourceVersionMatch to NotOlderThan",
        )
    return requests.flag(request, "sendInitialEvents")

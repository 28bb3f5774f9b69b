"""Reads an API server: probe, get, pages of a list, lines of a watch. GET is all it can do."""

import asyncio
import getpass
import random
import zlib
from asyncio.sslproto import SSLProtocol
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from email.utils import parsedate_to_datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import aiohttp
import msgspec

from console.clock import Clock, format_time
from console.config import Cluster
from console.errors import BadReplyError, LinkError, LinkTimeoutError, UnreachableError
from console.links.kube.credentials import Credentials
from console.links.kube.faults import is_expired_certificate, status_error, translated
from console.links.kube.resolver import Resolver
from console.links.kube.server_certificate import server_certificate_end
from console.links.retry import Pace

PAGE_SIZE = 500
_MEGABYTE = 1 << 20
_LONGEST_LINE = 64 * _MEGABYTE
_INFLATE_OFF_LOOP = _MEGABYTE // 8
_READ_BUFFER = _MEGABYTE // 4
_TLS_BUFFER = _MEGABYTE // 32

Params = Mapping[str, str]


class ServerVersion(msgspec.Struct, frozen=True, rename="camel"):
    """What GET /version says."""

    git_version: str = ""


class Pulse(msgspec.Struct, frozen=True):
    """An answered probe."""

    version_text: str
    skew_seconds: float
    """Server clock minus ours."""


@cache
def user_agent() -> str:
    """Return the name that the servers' audit logs know us by."""
    try:
        own = version("shifu-console")
    except PackageNotFoundError:
        own = "source"
    return f"shifu-console/{own}"


@cache
def os_user() -> str:
    """Return who runs the console; `unknown` where the system has no name for them."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "unknown"


class Connection:
    """One API server, read only; every call has a deadline and ends in LinkErrors."""

    def __init__(
        self,
        cluster: Cluster,
        credentials: Credentials,
        clock: Clock,
        *,
        pace: Pace,
        request_timeout: float,
    ) -> None:
        self.alias = cluster.alias
        self.server = cluster.entry.server.rstrip("/")
        self.credentials = credentials
        self._entry = cluster.entry
        self._clock = clock
        self._pace = pace
        self._timeout = request_timeout
        self._session: aiohttp.ClientSession | None = None
        self._closed = False

    async def probe(self, deadline: float) -> Pulse:
        """Ask for the version: the cheapest question that every user may ask."""
        started = self._clock.now()
        try:
            body, headers = await self._read("/version", {}, deadline, "probe")
        except UnreachableError as error:
            if is_expired_certificate(error):
                raise await self._expired(error, deadline) from error
            raise
        middle = (started + self._clock.now()) / 2
        try:
            text = msgspec.json.decode(body, type=ServerVersion).git_version
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise BadReplyError(
                f"{self.alias}: {self.server} does not answer as an API server",
                remedy="check `server` in the kubeconfig",
            ) from error
        return Pulse(text, _skew(headers.get("Date", ""), middle))

    async def get(self, path: str, params: Params | None = None) -> dict[str, Any]:
        """Return one JSON document."""
        body, _ = await self._read(path, params or {}, self._timeout, path)
        try:
            found = msgspec.json.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise BadReplyError(f"{self.alias}: {path}: the answer cannot be read") from error
        if not isinstance(found, dict):
            raise BadReplyError(f"{self.alias}: {path}: the answer is not an object")
        return found

    async def page(self, path: str, more: str) -> bytes:
        """Return a part of a list, unread; `more` is the continue token of the part before."""
        params = {"limit": str(PAGE_SIZE)}
        if more:
            params["continue"] = more
        body, _ = await self._read(path, params, self._timeout, "list")
        return body

    async def watch(self, path: str, since: str) -> AsyncGenerator[list[bytes], None]:
        """Yield an empty bunch once open, then lines as they come, until the server ends it.

        Raises:
            LinkTimeoutError: neither an event nor a bookmark came for too long.

        """
        seconds = random.uniform(self._pace.watch_min, self._pace.watch_max)  # noqa: S311  jitter
        params = {
            "watch": "1",
            "resourceVersion": since,
            "allowWatchBookmarks": "true",
            "timeoutSeconds": str(int(seconds)),
        }
        # Not compressed: each stream would hold an inflater's window for a few bytes a minute.
        async with self._open(
            path, params, self._timeout, "watch", encoding="identity"
        ) as response:
            yield []
            lines = _Lines()
            while chunk := await self._chunk(response, "watch"):
                if found := lines.feed(chunk):
                    yield found
                elif lines.pending > _LONGEST_LINE:
                    raise BadReplyError(f"{self.alias}: {path}: a watch line without an end")

    async def _expired(self, error: UnreachableError, deadline: float) -> UnreachableError:
        """Add when the server's certificate ended."""
        if self._entry.proxy:
            return error
        name = self._entry.tls_server_name
        end = await server_certificate_end(self.server, name, deadline)
        if end is None:
            return error
        return UnreachableError(f"{error.message} at {format_time(end)}", remedy=error.remedy)

    async def close(self) -> None:
        """Close every connection, for good."""
        self._closed = True
        if self._session is not None:
            await self._session.close()
            self._session = None
            await asyncio.sleep(0)  # the loop lets go of dropped sockets in its next turn
        self.credentials.close()

    async def _chunk(self, response: aiohttp.ClientResponse, what: str) -> bytes:
        try:
            with translated(self.alias, self.server, what):
                async with asyncio.timeout(self._pace.silence):
                    return await response.content.readany()
        except LinkTimeoutError as error:
            raise SilenceError(
                f"{self.alias}: {what}: neither an event nor a bookmark for"
                f" {self._pace.silence:g} s",
                remedy="the console asks again",
            ) from error

    async def _read(
        self, path: str, params: Params, deadline: float, what: str
    ) -> tuple[bytes, Mapping[str, str]]:
        async with self._open(path, params, deadline, what) as response:
            return await self._body(response, deadline, what), response.headers

    @asynccontextmanager
    async def _open(
        self, path: str, params: Params, deadline: float, what: str, encoding: str = ""
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Send a GET; a 401 is tried once more when there are new credentials."""
        response = await self._send(path, params, deadline, what, encoding)
        try:
            if response.status == 401 and await self.credentials.refused():
                response.release()
                response = await self._send(path, params, deadline, what, encoding)
            if response.status != 200:
                body = await self._refusal(response, what)
                raise status_error(
                    self.alias,
                    what,
                    response.status,
                    body,
                    headers=response.headers,
                    clock=self._clock,
                )
            yield response
        finally:
            _drop(response)

    async def _send(
        self, path: str, params: Params, deadline: float, what: str, encoding: str
    ) -> aiohttp.ClientResponse:
        accepted = encoding or ("gzip" if self._entry.compression else "identity")
        # Before the deadline starts: a login plugin has one of its own.
        headers = {"Accept-Encoding": accepted, **await self.credentials.headers()}
        with translated(self.alias, self.server, what):
            async with asyncio.timeout(deadline):
                return await self._opened().get(
                    f"{self.server}{path}",
                    params=params,
                    headers=headers,
                    proxy=self._entry.proxy or None,
                    server_hostname=self._entry.tls_server_name or None,
                    allow_redirects=False,
                )

    async def _refusal(self, response: aiohttp.ClientResponse, what: str) -> bytes:
        try:
            return await self._body(response, self._timeout, what)
        except LinkError:
            return b""  # the status says enough

    async def _body(self, response: aiohttp.ClientResponse, deadline: float, what: str) -> bytes:
        with translated(self.alias, self.server, what):
            async with asyncio.timeout(deadline):
                body = await response.read()
        if response.headers.get("Content-Encoding") != "gzip":
            return body
        try:
            # zlib lets go of the interpreter's lock: a big page inflates while keys are answered.
            if len(body) > _INFLATE_OFF_LOOP:
                return await asyncio.to_thread(zlib.decompress, body, 31)
            return zlib.decompress(body, 31)
        except zlib.error as error:
            raise BadReplyError(f"{self.alias}: {what}: the compressed answer is broken") from error

    def check_open(self) -> None:
        """Refuse to begin anything after `close`: nobody would end it.

        Raises:
            UnreachableError: the console is being closed.

        """
        if self._closed:
            raise UnreachableError(f"{self.alias}: the console is being closed")

    def _opened(self) -> aiohttp.ClientSession:
        self.check_open()
        if self._session is None:
            # asyncio fills a buffer of 256 kB for each TLS connection: 125 MB for 500 streams.
            SSLProtocol.max_size = _TLS_BUFFER
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    ssl=self.credentials.ssl_context(), limit=0, resolver=Resolver()
                ),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=self._pace.connect_deadline),
                headers={"User-Agent": user_agent(), "Accept": "application/json"},
                auto_decompress=False,
                read_bufsize=_READ_BUFFER,
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        return self._session


def _drop(response: aiohttp.ClientResponse) -> None:
    """End an answer; one that was not read to its end takes its socket with it at once.

    A TLS goodbye would wait for the server's, for as long as half a minute: a black hole has none.
    """
    connection = response.connection
    if connection is not None and connection.transport is not None:
        connection.transport.abort()
    response.close()


class SilenceError(LinkTimeoutError):
    """A watch is open and says nothing."""


class _Lines:
    """Cuts a stream into lines of any length without copying what has come before."""

    def __init__(self) -> None:
        self.pending = 0
        self._parts: list[bytes] = []

    def feed(self, chunk: bytes) -> list[bytes]:
        """Take a piece of the stream and return the lines that it completes."""
        first, *rest = chunk.split(b"\n")
        if not rest:
            self._parts.append(first)
            self.pending += len(first)
            return []
        lines = [b"".join((*self._parts, first)), *rest[:-1]]
        self._parts = [rest[-1]] if rest[-1] else []
        self.pending = len(rest[-1])
        return [line for line in lines if line]


def _skew(date: str, ours: float) -> float:
    """Return how far the server's clock is ahead; below its header's one second it is none."""
    try:
        # The header cuts off the fraction: on average it is half a second early.
        ahead = parsedate_to_datetime(date).timestamp() + 0.5 - ours
    except ValueError:
        return 0.0
    return ahead if abs(ahead) > 1.0 else 0.0

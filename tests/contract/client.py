"""A plain HTTP client of an API server, and what its answers look like."""

import asyncio
import ssl
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import msgspec

JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
STRATEGIC_PATCH = "application/strategic-merge-patch+json"
APPLY_PATCH = "application/apply-patch+yaml"
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"
METADATA = "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io"
METADATA_LIST = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"
_DEADLINE = aiohttp.ClientTimeout(total=30)


class Answer(msgspec.Struct, frozen=True):
    """An answer, decoded."""

    status: int
    headers: Mapping[str, str]
    body: Any

    @property
    def reason(self) -> str:
        return str(self.body["reason"])

    @property
    def message(self) -> str:
        return str(self.body["message"])

    @property
    def revision(self) -> str:
        return str(self.body["metadata"]["resourceVersion"])

    @property
    def names(self) -> list[str]:
        return [item["metadata"]["name"] for item in self.body["items"]]


class Target(msgspec.Struct, frozen=True):
    """A server to ask: where it is, whom it knows, and how to make it forget."""

    url: str
    ca_file: Path
    tokens: dict[str, str]
    compact: Callable[[], Awaitable[None]]


class Api:
    """One test's session with a server."""

    def __init__(self, target: Target, session: aiohttp.ClientSession) -> None:
        self.target, self._session = target, session

    def at(self, url: str) -> "Api":
        """Ask another address over the same session."""
        return Api(msgspec.structs.replace(self.target, url=url), self._session)

    async def compact(self) -> None:
        """Make the server forget its history."""
        await self.target.compact()

    async def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        user: str = "admin",
        media: str = "application/json",
        accept: str = "application/json",
        headers: Mapping[str, str] | None = None,
        **query: str | int,
    ) -> Answer:
        """Ask once; dots in an option's name do not occur, so options are keywords."""
        sent = {"Accept": accept, "Content-Type": media, **self._login(user), **(headers or {})}
        async with self._session.request(
            method,
            self.target.url + path,
            data=None if body is None else msgspec.json.encode(body),
            params={"continue" if name == "after" else name: query[name] for name in query},
            headers=sent,
        ) as answer:
            raw = await answer.read()
            decoded = msgspec.json.decode(raw) if raw[:1] in (b"{", b"[") else raw.decode()
            return Answer(answer.status, answer.headers, decoded)

    def _login(self, user: str) -> dict[str, str]:
        token = self.target.tokens.get(user, user)
        return {"Authorization": f"Bearer {token}"} if token else {}

    async def get(self, path: str, **options: Any) -> Answer:
        return await self.request("GET", path, **options)

    async def post(self, path: str, body: Any, **options: Any) -> Answer:
        return await self.request("POST", path, body, **options)

    async def put(self, path: str, body: Any, **options: Any) -> Answer:
        return await self.request("PUT", path, body, **options)

    async def patch(self, path: str, body: Any, media: str, **options: Any) -> Answer:
        return await self.request("PATCH", path, body, media=media, **options)

    async def delete(self, path: str, body: Any = None, **options: Any) -> Answer:
        return await self.request("DELETE", path, body, **options)

    async def apply(self, path: str, body: Any, manager: str, **options: Any) -> Answer:
        """Apply server-side."""
        return await self.patch(path, body, APPLY_PATCH, fieldManager=manager, **options)

    async def eventually(
        self, path: str, met: Callable[[Answer], bool], *, seconds: float = 20, **options: Any
    ) -> Answer:
        """Read a path until a condition is met."""
        async with asyncio.timeout(seconds):
            while not met(found := await self.get(path, **options)):  # noqa: ASYNC110 - remote
                await asyncio.sleep(0.1)
        return found

    @asynccontextmanager
    async def watch(
        self, path: str, *, accept: str = "application/json", **query: str | int
    ) -> AsyncIterator["Events"]:
        """Open a watch."""
        async with self._session.get(
            self.target.url + path,
            params={"watch": "1", **query},
            headers={"Accept": accept, **self._login("admin")},
        ) as answer:
            assert answer.status == 200, await answer.text()
            yield Events(answer)


class Events:
    """A watch's events, one by one."""

    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        self._answer = answer

    async def next(self, seconds: float = 15) -> Any:
        """Wait for the next event; None when the stream has ended."""
        async with asyncio.timeout(seconds):
            line = await self._answer.content.readline()
        return msgspec.json.decode(line) if line.strip() else None

    async def until(self, kind: str, seconds: float = 15) -> Any:
        """Skip to the next event of a type."""
        while (event := await self.next(seconds)) is not None and event["type"] != kind:
            pass
        return event

    async def rest(self, seconds: float = 15) -> list[Any]:
        """Read on to the end of the stream."""
        found = []
        while (event := await self.next(seconds)) is not None:
            found.append(event)
        return found


@asynccontextmanager
async def session(target: Target) -> AsyncIterator[Api]:
    """Open a session with a target."""
    tls = ssl.create_default_context(cafile=str(target.ca_file))
    connector = aiohttp.TCPConnector(ssl=tls, force_close=True)
    async with aiohttp.ClientSession(
        connector=connector, timeout=_DEADLINE, read_bufsize=2**20
    ) as opened:
        yield Api(target, opened)
    await asyncio.sleep(0.25)  # TLS says goodbye after the close; aiohttp has no way to await that


class Space:
    """A namespace of a test's own, and the paths in it."""

    def __init__(self, api: Api) -> None:
        self.api, self.name = api, f"contract-{uuid.uuid4().hex[:10]}"

    def path(self, resource: str, name: str = "", *, group: str = "") -> str:
        """Write the path of a resource in this namespace; group as `apps/v1`."""
        root = f"/apis/{group}" if group else "/api/v1"
        return "/".join(filter(None, (f"{root}/namespaces/{self.name}/{resource}", name)))

    async def create(self, resource: str, body: Any, *, group: str = "", **options: Any) -> Answer:
        """Create an object that must be accepted."""
        made = await self.api.post(self.path(resource, group=group), body, **options)
        assert made.status == 201, made.body
        return made

"""An API server of a hundred lines: lists, watches and writes, and any fault a test wants."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]
PODS = "/api/v1/pods"


@dataclass
class Fault:
    """What to answer instead, for requests that match."""

    answer: Answer
    path: str
    times: int | None = None
    watch: bool | None = None
    method: str = ""


@dataclass
class FakeApi:
    """Objects by collection, their history, and a record of what was asked."""

    url: str = ""
    requests: list[web.Request] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    collections: dict[str, dict[tuple[str, str], dict[str, Any]]] = field(default_factory=dict)
    history: list[tuple[int, str, str, dict[str, Any]]] = field(default_factory=list)
    version: int = 100
    oldest: int = 0
    token: str = ""
    bookmark_every: float | None = None
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def put(self, obj: dict[str, Any], path: str = PODS) -> dict[str, Any]:
        """Add an object, or replace it."""
        meta = obj["metadata"]
        self.version += 1
        meta["resourceVersion"] = str(self.version)
        meta.setdefault("uid", f"uid-{self.version}")
        known = self.collections.setdefault(path, {})
        place = (meta.get("namespace", ""), meta["name"])
        self._tell(path, "MODIFIED" if place in known else "ADDED", obj)
        known[place] = obj
        return obj

    def delete(self, namespace: str, name: str, path: str = PODS) -> None:
        obj = self.collections[path].pop((namespace, name))
        self.version += 1
        gone = {**obj, "metadata": {**obj["metadata"], "resourceVersion": str(self.version)}}
        self._tell(path, "DELETED", gone)

    def compact(self) -> None:
        """Forget all history: older watches and continue tokens get 410."""
        self.version += 1
        self.oldest = self.version
        self.history.clear()

    def fault(
        self,
        answer: Answer,
        path: str = "/",
        *,
        times: int | None = None,
        watch: bool | None = None,
        method: str = "",
    ) -> Fault:
        fault = Fault(answer, path, times, watch, method)
        self.faults.append(fault)
        return fault

    def heal(self) -> None:
        self.faults.clear()

    def asked(self, path: str, *, watch: bool | None = None) -> list[web.Request]:
        """Return the requests to a path."""
        return [
            request
            for request in self.requests
            if request.path == path and watch in (None, "watch" in request.query)
        ]

    @property
    def writes(self) -> list[web.Request]:
        return [request for request in self.requests if request.method != "GET"]

    def _tell(self, path: str, kind: str, obj: dict[str, Any]) -> None:
        self.history.append((self.version, path, kind, json.loads(json.dumps(obj))))
        self.changed.set()
        self.changed = asyncio.Event()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(request)
        self.bodies.append(await request.read())
        for fault in self.faults:
            if self._hits(fault, request):
                if fault.times is not None:
                    fault.times -= 1
                return await fault.answer(request)
        if self.token and request.headers.get("Authorization") != f"Bearer {self.token}":
            return status(401, "Unauthorized")
        if request.method != "GET":
            return await self._write(request)
        if request.path == "/version":
            return web.json_response({"gitVersion": "v1.35.2"})
        if request.path in self.collections:
            return await (self._watch if "watch" in request.query else self._list)(request)
        return self._one(request)

    @staticmethod
    def _hits(fault: Fault, request: web.Request) -> bool:
        return (
            request.path.startswith(fault.path)
            and fault.times != 0
            and fault.watch in (None, "watch" in request.query)
            and fault.method in ("", request.method)
        )

    def _one(self, request: web.Request) -> web.Response:
        for path, objects in self.collections.items():
            root, _, plural = path.rpartition("/")
            for (namespace, name), obj in objects.items():
                place = f"/namespaces/{namespace}" if namespace else ""
                if request.path == f"{root}{place}/{plural}/{name}":
                    return web.json_response(obj)
        return status(404, f"{request.path} not found")

    async def _write(self, request: web.Request) -> web.Response:
        body = json.loads(self.bodies[-1] or b"{}")
        if "selfsubjectaccessreviews" in request.path:
            return web.json_response(
                {**body, "status": {"allowed": True, "reason": "RBAC"}}, status=201
            )
        if "selfsubjectreviews" in request.path:
            return web.json_response(
                {"status": {"userInfo": {"username": "sre@example"}}}, status=201
            )
        return web.json_response(body if isinstance(body, dict) else {"patch": body})

    async def _list(self, request: web.Request) -> web.Response:
        offset, at = 0, self.version
        if token := request.query.get("continue"):
            offset, at = (int(part) for part in token.split("."))
            if at < self.oldest:
                return status(410, "the provided continue parameter is too old", "Expired")
        limit = int(request.query.get("limit", "500"))
        names = sorted(self.collections[request.path])
        items = [self.collections[request.path][name] for name in names[offset : offset + limit]]
        end = offset + limit
        meta = {"resourceVersion": str(at), "continue": f"{end}.{at}" if end < len(names) else ""}
        response = web.json_response({"kind": "List", "metadata": meta, "items": items})
        if "gzip" in request.headers.get("Accept-Encoding", ""):
            response.enable_compression(web.ContentCoding.gzip)
        return response

    async def _watch(self, request: web.Request) -> web.StreamResponse:
        sent = int(request.query["resourceVersion"])
        response = web.StreamResponse()
        await response.prepare(request)
        if sent < self.oldest:
            gone = {"kind": "Status", "status": "Failure", "code": 410, "reason": "Expired"}
            await write_line(response, "ERROR", gone)
            return response
        while True:
            changed = self.changed
            for version, path, kind, obj in list(self.history):
                if version > sent and path == request.path:
                    await write_line(response, kind, obj)
                    sent = version
            try:
                async with asyncio.timeout(self.bookmark_every):
                    await changed.wait()
            except TimeoutError:
                sent = self.version
                bookmark = {"kind": "Pod", "metadata": {"resourceVersion": str(sent)}}
                await write_line(response, "BOOKMARK", bookmark | {"spec": {"containers": None}})


async def write_line(response: web.StreamResponse, kind: str, obj: dict[str, Any]) -> None:
    await response.write(json.dumps({"type": kind, "object": obj}).encode() + b"\n")


def status(code: int, message: str, reason: str = "", **headers: str) -> web.Response:
    """Answer as an API server says no."""
    body = {"kind": "Status", "status": "Failure", "message": message, "code": code}
    return web.json_response(
        body | {"reason": reason},
        status=code,
        headers={name.replace("_", "-"): value for name, value in headers.items()},
    )


def always(make: Callable[[], web.StreamResponse]) -> Answer:
    """Make a fault's answer from a function without arguments."""

    async def answer(_: web.Request) -> web.StreamResponse:
        return make()

    return answer


async def black_hole(request: web.Request) -> web.StreamResponse:
    """Take the request and never answer."""
    await asyncio.Event().wait()
    raise AssertionError(request.path)


async def mute(request: web.Request) -> web.StreamResponse:
    """Open a stream and never say anything."""
    response = web.StreamResponse()
    await response.prepare(request)
    await asyncio.Event().wait()
    return response


@asynccontextmanager
async def serve(context: ssl.SSLContext | None = None, port: int = 0) -> AsyncIterator[FakeApi]:
    """Run a server on loopback."""
    api = FakeApi()
    app = web.Application(client_max_size=1 << 26)
    app.router.add_route("*", "/{tail:.*}", api.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.01)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port, ssl_context=context)
    await site.start()
    address = runner.addresses[0]
    api.url = f"{'https' if context else 'http'}://127.0.0.1:{address[1]}"
    try:
        yield api
    finally:
        await runner.cleanup()


def pod(name: str, namespace: str = "acme", **more: Any) -> dict[str, Any]:
    """Return a pod as an API server tells it."""
    return {
        "metadata": {
            "name": name,
            "namespace": namespace,
            "creationTimestamp": "2026-11-01T00:00:00Z",
            "labels": {"app": "api"},
        },
        "spec": {"nodeName": "node-1", "containers": [{"name": "api"}]},
        "status": {"phase": "Running"},
        **more,
    }

"""The one gateway for writes: nothing else makes a request that is not a GET."""

import asyncio
import json
import logging
import ssl
from collections.abc import Callable
from typing import Any, Literal

import aiohttp
import msgspec

from console.clock import Clock
from console.config import Cluster
from console.errors import (
    BadReplyError,
    LinkError,
    OutcomeUnknownError,
    ReadOnlyError,
    ServerFaultError,
)
from console.links.kube.faults import connection_error, status_error
from console.links.kube.http import Connection, os_user, user_agent
from console.links.kube.resolver import Resolver
from console.redact import printable

_LOG = logging.getLogger(__name__)
FIELD_MANAGER = "shifu-console"
_REVIEW_SECONDS = 300.0
_PATCHES = {
    "merge": "application/merge-patch+json",
    "json": "application/json-patch+json",
    "strategic": "application/strategic-merge-patch+json",
    "apply": "application/apply-patch+yaml",
}

Body = dict[str, Any] | list[dict[str, Any]]


class ObjectRef(msgspec.Struct, frozen=True):
    """Names an object of an API server, or with an empty name its collection."""

    api: str
    """v1 or group/version: apps/v1."""
    plural: str
    namespace: str
    name: str
    subresource: str = ""

    @property
    def path(self) -> str:
        """Return its path on the server."""
        root = f"/apis/{self.api}" if "/" in self.api else f"/api/{self.api}"
        place = f"/namespaces/{self.namespace}" if self.namespace else ""
        parts = (part for part in (self.plural, self.name, self.subresource) if part)
        return f"{root}{place}/{'/'.join(parts)}"

    def __str__(self) -> str:
        tail = f"/{self.subresource}" if self.subresource else ""
        return f"{self.plural}{tail} {self.namespace}/{self.name}".replace(" /", " ")


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One request that is not a GET."""

    method: str
    path: str
    params: dict[str, str]
    body: Body
    kind: str
    """The Content-Type."""
    run_id: str
    changes: bool
    """Whether anything is stored when it succeeds."""

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


class Gateway:
    """One cluster's writes: the official client on our credentials, and the reviews it got."""

    def __init__(
        self, cluster: Cluster, connection: Connection, clock: Clock, *, request_timeout: float
    ) -> None:
        self.alias = cluster.alias
        self.connection = connection
        self.clock = clock
        self.reviews: dict[tuple[str, ObjectRef], tuple[float, bool, str]] = {}
        self._entry = cluster.entry
        self._timeout = request_timeout
        self._client: Any = None
        self._opening = asyncio.Lock()

    async def send(self, call: "Call") -> tuple[dict[str, Any], tuple[str, ...]]:
        """Make one request that may change something; returns the object and the warnings."""
        code, content, headers = await self._exchange(call)
        if code == 401 and await self.connection.credentials.refused():
            code, content, headers = await self._exchange(call)
        if not 200 <= code < 300:
            raise self._refused(call, code, content, headers)
        warnings = tuple(_warning(text) for text in headers.getall("Warning", ()))
        for text in warnings:
            _LOG.warning("%s: %s: %s", self.alias, call, text)
        try:
            return json.loads(content) if content else {}, warnings
        except ValueError as error:
            raise BadReplyError(f"{self.alias}: {call}: the answer cannot be read") from error

    async def close(self) -> None:
        """Close the client's connections."""
        if self._client is not None:
            await self._client.close()
            self._client = None

    async def _exchange(self, call: "Call") -> tuple[int, bytes, Any]:
        run = f"run/{call.run_id}; " if call.run_id else ""
        headers = {
            "Accept": "application/json",
            "Content-Type": call.kind,
            "User-Agent": f"{user_agent()} ({run}{os_user()})",
            **await self.connection.credentials.headers(),
        }
        client = await self._opened()
        _, url, headers, body, _ = await client.param_serialize(
            call.method,
            call.path,
            query_params=list(call.params.items()),
            header_params=headers,
            body=call.body,
        )
        try:
            async with asyncio.timeout(self._timeout):
                reply = await client.call_api(call.method, url, headers, body)
                return reply.status, await reply.read(), reply.headers
        except (aiohttp.ClientError, OSError) as error:
            raise self._lost(call, error) from error

    def _lost(self, call: "Call", error: Exception) -> LinkError | OutcomeUnknownError:
        """Tell a request that was never sent from one whose answer was lost."""
        fault = connection_error(self.alias, self.connection.server, str(call), error)
        unsent = isinstance(
            error,
            aiohttp.ClientConnectorError
            | aiohttp.ConnectionTimeoutError
            | aiohttp.InvalidURL
            | aiohttp.TooManyRedirects,
        )
        return fault if unsent or not call.changes else _unknown(fault)

    def _refused(
        self, call: "Call", code: int, content: bytes, headers: Any
    ) -> LinkError | OutcomeUnknownError:
        error = status_error(
            self.alias, str(call), code, content, headers=headers, clock=self.clock
        )
        if call.changes and isinstance(error, ServerFaultError) and _may_be_done(code, content):
            return _unknown(error)
        return error

    async def _opened(self) -> Any:
        async with self._opening:
            if self._client is None:
                # Half a second of imports: in a thread, so that keys are answered meanwhile.
                build = await asyncio.to_thread(_load_client)
                self.connection.check_open()
                self._client = build(
                    self.connection.server,
                    self.connection.credentials.ssl_context(),
                    self._entry.proxy,
                    self._entry.tls_server_name,
                )
            return self._client


class Objects:
    """The objects of one cluster, as one run may touch them."""

    def __init__(self, gateway: Gateway, closed: Callable[[], str], *, run_id: str = "") -> None:
        self._gateway = gateway
        self._closed = closed
        self._run_id = run_id
        self.warnings: list[str] = []
        """What the server warned of, newest last."""

    async def get(self, ref: ObjectRef) -> dict[str, Any]:
        """Return an object."""
        return await self._gateway.connection.get(ref.path)

    async def list(
        self,
        api: str,
        plural: str,
        namespace: str = "",
        label_selector: str = "",
        *,
        field_selector: str = "",
    ) -> list[dict[str, Any]]:
        """Return all objects of a collection."""
        params = {"limit": "500"}
        if label_selector:
            params["labelSelector"] = label_selector
        if field_selector:
            params["fieldSelector"] = field_selector
        found: list[dict[str, Any]] = []
        while True:
            path = ObjectRef(api, plural, namespace, "").path
            page = await self._gateway.connection.get(path, params)
            found += page.get("items") or []
            more = (page.get("metadata") or {}).get("continue")
            if not more:
                return found
            params["continue"] = more

    async def apply(
        self, ref: ObjectRef, body: dict[str, Any], *, dry_run: bool = False, force: bool = False
    ) -> dict[str, Any]:
        """Set the fields of `body` by server-side apply, as our field manager."""
        params = _params(dry_run) | ({"force": "true"} if force else {})
        return await self._write("PATCH", ref, params, body, _PATCHES["apply"])

    async def patch(
        self,
        ref: ObjectRef,
        body: Body,
        *,
        kind: Literal["merge", "json", "strategic"] = "merge",
        dry_run: bool = False,
    ) -> dict[str, Any]:
        """Change an object by a patch."""
        return await self._write("PATCH", ref, _params(dry_run), body, _PATCHES[kind])

    async def create(
        self, ref: ObjectRef, body: dict[str, Any], *, dry_run: bool = False
    ) -> dict[str, Any]:
        """Create an object, or post to its subresource."""
        target = ref if ref.subresource else msgspec.structs.replace(ref, name="")
        return await self._write("POST", target, _params(dry_run), body)

    async def replace(
        self, ref: ObjectRef, body: dict[str, Any], *, dry_run: bool = False
    ) -> dict[str, Any]:
        """Put a whole object; with a resourceVersion in it, only over that version."""
        return await self._write("PUT", ref, _params(dry_run), body)

    async def delete(self, ref: ObjectRef, *, uid: str = "", dry_run: bool = False) -> None:
        """Delete an object; with a uid, only that very one."""
        body: dict[str, Any] = {"kind": "DeleteOptions", "apiVersion": "v1"}
        if uid:
            body["preconditions"] = {"uid": uid}
        params = {"dryRun": "All"} if dry_run else {}
        await self._write("DELETE", ref, params, body)

    async def allowed(self, verb: str, ref: ObjectRef) -> tuple[bool | None, str]:
        """Ask whether we may; None with the reason when that cannot be known."""
        if reason := self._closed():
            return None, f"not asked: {reason}"
        now = self._gateway.clock.monotonic()
        cached = self._gateway.reviews.get((verb, ref))
        if cached is not None and now - cached[0] < _REVIEW_SECONDS:
            return cached[1], cached[2]
        group = ref.api.rpartition("/")[0]
        attributes = {
            "verb": verb,
            "group": group,
            "resource": ref.plural,
            "subresource": ref.subresource,
            "namespace": ref.namespace,
            "name": ref.name,
        }
        try:
            status = await self._review(
                "authorization.k8s.io/v1",
                "SelfSubjectAccessReview",
                {
                    "resourceAttributes": {
                        name: value for name, value in attributes.items() if value
                    }
                },
            )
        except LinkError as error:
            return None, error.message
        answer = bool(status.get("allowed")), printable(str(status.get("reason") or ""))
        self._gateway.reviews[verb, ref] = (now, *answer)
        return answer

    async def whoami(self) -> str:
        """Return the user name that the server sees; kubeconfig's when it may not be asked."""
        if self._closed():
            return self._gateway.connection.credentials.user
        status = await self._review("authentication.k8s.io/v1", "SelfSubjectReview", None)
        name = (status.get("userInfo") or {}).get("username")
        return printable(str(name)) if name else self._gateway.connection.credentials.user

    async def _review(self, api: str, kind: str, spec: dict[str, Any] | None) -> dict[str, Any]:
        body: dict[str, Any] = {"apiVersion": api, "kind": kind}
        if spec is not None:
            body["spec"] = spec
        ref = ObjectRef(api, f"{kind.lower()}s", "", "")
        found = await self._write("POST", ref, {}, body, asks=True)
        return found.get("status") or {}

    async def _write(
        self,
        method: str,
        ref: ObjectRef,
        params: dict[str, str],
        body: Body,
        kind: str = "application/json",
        *,
        asks: bool = False,
    ) -> dict[str, Any]:
        if reason := self._closed():
            raise ReadOnlyError(
                f"{self._gateway.alias}: nothing is written: {reason}",
                remedy="start without --read-only, or switch to WRITE mode",
            )
        call = Call(
            method=method,
            path=ref.path,
            params=params,
            body=body,
            kind=kind,
            run_id=self._run_id,
            changes=not asks and "dryRun" not in params,
        )
        found, warnings = await self._gateway.send(call)
        self.warnings += warnings
        return found


def _params(dry_run: bool) -> dict[str, str]:
    params = {"fieldManager": FIELD_MANAGER, "fieldValidation": "Strict"}
    return params | ({"dryRun": "All"} if dry_run else {})


def _unknown(fault: LinkError) -> OutcomeUnknownError:
    return OutcomeUnknownError(
        f"{fault.message}; whether it was done is not known", remedy="look again before retrying"
    )


def _may_be_done(code: int, content: bytes) -> bool:
    """Tell the server's own timeouts, after which the change may still have been stored."""
    return code == 504 or b'"reason":"Timeout"' in content or b"request timed out" in content


def _warning(header: str) -> str:
    """Return the text of a Warning header: 299 - "text"."""
    return printable(header.split('"', 1)[-1].rstrip('"').replace('\\"', '"'))


async def _once(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """Send a request exactly once: aiohttp by itself repeats PUT and DELETE, and follows 3xx."""
    try:
        reply = await handler(request)
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise aiohttp.ClientConnectionError(str(error)) from error
    if 300 <= reply.status < 400:
        reply.close()
        raise aiohttp.TooManyRedirects(reply.request_info, (), status=reply.status)
    return reply


def _load_client() -> Callable[[str, ssl.SSLContext, str, str], Any]:
    """Import the official client, made to use our TLS settings and connections of its own."""
    from kubernetes.aio.client import ApiClient, Configuration

    def build(server: str, context: ssl.SSLContext, proxy: str, tls_server_name: str) -> Any:
        settings = Configuration(host=server)
        settings.proxy = proxy or None
        settings.tls_server_name = tls_server_name or None
        settings.client_side_validation = False
        settings.client_session_kwargs = {
            # A kept connection that the server closes meanwhile would leave a write's fate open.
            "middlewares": (_once,),
            "connector": aiohttp.TCPConnector(ssl=context, force_close=True, resolver=Resolver()),
            "trust_env": False,
            "cookie_jar": aiohttp.DummyCookieJar(),
        }
        client = ApiClient(settings)
        client.default_headers.clear()  # its own User-Agent would win over ours
        return client

    return build

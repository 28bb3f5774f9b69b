"""The few requests the harness itself makes: JSON over TLS with a bearer token."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
import yaml

T = TypeVar("T")
Object = dict[str, Any]
MANAGER = "tests-real"
_DEADLINE = aiohttp.ClientTimeout(total=30)
_POLL_SECONDS = 0.2
# Names that the usual plural rule gets wrong.
_PLURALS = {
    "Ingress": "ingresses",
    "NetworkPolicy": "networkpolicies",
    "ValidatingAdmissionPolicy": "validatingadmissionpolicies",
}
_CLUSTER_WIDE = {
    "APIService",
    "ClusterRole",
    "ClusterRoleBinding",
    "CustomResourceDefinition",
    "Namespace",
    "Node",
    "PriorityClass",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding",
}


class ApiError(Exception):
    """An answer that is not a success."""

    def __init__(self, code: int, reason: str, message: str) -> None:
        super().__init__(f"{code} {reason}: {message}")
        self.code = code
        self.reason = reason


class Api:
    """Requests to one API server as one user."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self.url = url

    async def request(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        content: str = "application/json",
        params: Mapping[str, str] | None = None,
    ) -> Any:
        """Send one request and return the decoded answer."""
        async with self._session.request(
            method,
            self.url + path,
            data=None if body is None else json.dumps(body),
            headers={"Content-Type": content},
            params=params,
        ) as answer:
            text = await answer.text()
            if answer.status >= 400:
                raise _error(answer.status, text)
            return json.loads(text) if text[:1] in {"{", "["} else text

    async def get(self, path: str, **params: str) -> Any:
        return await self.request("GET", path, params=params)

    async def items(self, path: str, **params: str) -> list[Object]:
        """Return the items of a list, all pages."""
        found: list[Object] = []
        params["limit"] = "500"
        while True:
            page = await self.get(path, **params)
            found += page["items"]
            if not (onward := page["metadata"].get("continue")):
                return found
            params["continue"] = onward

    async def watch(self, path: str) -> AsyncIterator[tuple[str, Object]]:
        """Yield what is there and then every change, until the connection ends."""
        page = await self.get(path)
        for item in page["items"]:
            yield "ADDED", item
        params = {"watch": "1", "resourceVersion": page["metadata"]["resourceVersion"]}
        endless = aiohttp.ClientTimeout(total=None)
        async with self._session.get(self.url + path, params=params, timeout=endless) as answer:
            rest = b""
            async for chunk in answer.content.iter_any():
                *lines, rest = (rest + chunk).split(b"\n")
                for line in lines:
                    event = json.loads(line)
                    yield event["type"], event["object"]

    async def create(self, item: Object) -> Any:
        """Create an object."""
        return await self.request("POST", collection(item), item, params={"fieldManager": MANAGER})

    async def apply(self, item: Object, *, manager: str = MANAGER) -> Any:
        """Apply an object with server-side apply."""
        return await self.request(
            "PATCH",
            path_of(item),
            item,
            content="application/apply-patch+yaml",
            params={"fieldManager": manager, "force": "true"},
        )

    async def apply_all(self, items: list[Object]) -> None:
        """Apply objects one after another, as their order may matter."""
        for item in items:
            await self.apply(item)

    async def patch(self, path: str, changes: object, *, manager: str = MANAGER) -> Any:
        """Merge changes into an object."""
        return await self.request(
            "PATCH",
            path,
            changes,
            content="application/merge-patch+json",
            params={"fieldManager": manager},
        )

    async def delete(self, path: str) -> None:
        """Delete an object, which may be gone already."""
        try:
            await self.request("DELETE", path, {"propagationPolicy": "Background"})
        except ApiError as error:
            if error.code != 404:
                raise

    async def ready(self) -> bool:
        """Ask the server whether it is ready to serve."""
        try:
            await self.get("/readyz")
        except (ApiError, aiohttp.ClientError, OSError, TimeoutError):
            return False
        return True


@asynccontextmanager
async def connect(url: str, ca_file: Path, token: str) -> AsyncIterator[Api]:
    """Open a session with one API server."""
    tls = ssl.create_default_context(cafile=str(ca_file))
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(ssl=tls, limit=32),
        headers={"Authorization": f"Bearer {token}", "User-Agent": MANAGER},
        timeout=_DEADLINE,
    ) as session:
        yield Api(session, url)


async def until(what: str, ask: Callable[[], Awaitable[T | None]], *, seconds: float = 60) -> T:
    """Ask again and again until there is an answer that is not empty."""
    try:
        async with asyncio.timeout(seconds):
            while True:
                if answer := await ask():
                    return answer
                await asyncio.sleep(_POLL_SECONDS)
    except TimeoutError as error:
        raise TimeoutError(f"{what}: not within {seconds:.0f} s") from error


def collection(item: Object) -> str:
    """Return the path that an object is created under."""
    kind, version = item["kind"], item["apiVersion"]
    group = f"/apis/{version}" if "/" in version else f"/api/{version}"
    plural = _PLURALS.get(kind, f"{kind.lower()}s")
    if kind in _CLUSTER_WIDE:
        return f"{group}/{plural}"
    return f"{group}/namespaces/{item['metadata']['namespace']}/{plural}"


def path_of(item: Object) -> str:
    """Return the path of an object."""
    return f"{collection(item)}/{item['metadata']['name']}"


def read_yaml(file: Path) -> list[Object]:
    """Read all documents of a YAML file."""
    return [item for item in yaml.safe_load_all(file.read_text()) if item]


def _error(code: int, text: str) -> ApiError:
    try:
        status = json.loads(text)
    except ValueError:
        return ApiError(code, "", text[:300])
    return ApiError(code, str(status.get("reason", "")), str(status.get("message", ""))[:500])

"""One emulated API server: from an HTTP request to an answer or a Status error."""

import gzip
import traceback
import uuid
from contextlib import suppress
from typing import Any

import msgspec
from aiohttp import web

from console.sandbox import (
    auth,
    discovery,
    lists,
    negotiate,
    patches,
    protobuf,
    requests,
    subresources,
)
from console.sandbox.faults import Faults
from console.sandbox.kinds import NAMESPACE, POD, REVIEWS, Kind
from console.sandbox.negotiate import Form
from console.sandbox.objects import Obj, dig
from console.sandbox.registry import Registry
from console.sandbox.requests import Target
from console.sandbox.schema import check_fields
from console.sandbox.status import MALFORMED, ApiError
from console.sandbox.store import Entry
from console.sandbox.watches import Watch

_GZIP_FROM = 128 * 1024
_UNKNOWN = "the server could not find the requested resource"
_OPEN = ("/version", "/healthz", "/livez", "/readyz")
_VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete", "GET": "get"}
_PATCHES = (
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/strategic-merge-patch+json",
    requests.APPLY,
)


class ApiServer:
    """Answers for one cluster."""

    def __init__(
        self,
        registry: Registry,
        users: auth.Users,
        faults: Faults,
        *,
        version: str,
    ) -> None:
        self.registry, self.store = registry, registry.store
        self.address = ""
        self._users, self._faults, self._version = users, faults, version
        self._kinds = {(one.group, one.version, one.plural): one for one in self.store.kinds}

    def app(self) -> web.Application:
        """Build the web application."""
        app = web.Application(client_max_size=4 * 1024**2)
        app.router.add_route("*", "/{path:.*}", self._serve)
        return app

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        try:
            await self._faults.before(request)
            return await self._answer(request)
        except MALFORMED as error:
            traceback.print_exc()
            text = f"Internal error occurred: this fleet cannot handle that: {error!r}"
            return _reply(request, msgspec.json.encode(ApiError(500, text).status), 500)
        except ApiError as error:
            headers = {"Retry-After": str(error.retry_after)} if error.retry_after else {}
            return _reply(request, msgspec.json.encode(error.status), error.code, headers)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        path = request.path.rstrip("/")
        user = self._users.named_by(request.headers.get("Authorization", ""))
        if path in _OPEN:
            return self._probe(path)
        at = requests.target(path)
        if at is None:
            return self._discover(request, path, user)
        if (at.group, at.plural) in REVIEWS and not at.name:
            return await self._review(request, at, user)
        kind = self._kinds.get((at.group, at.version, at.plural))
        if kind is None or (at.subresource and at.subresource not in kind.subresources):
            raise ApiError(404, _UNKNOWN, details={})
        if at.namespace and not kind.namespaced:
            raise ApiError(404, _UNKNOWN)
        return await self._resource(request, kind, at, user)

    def _probe(self, path: str) -> web.Response:
        if path != "/version":
            return web.Response(text="ok")
        major, minor, _ = self._version.removeprefix("v").split(".", 2)
        found = {
            "major": major,
            "minor": minor,
            "gitVersion": self._version,
            "gitTreeState": "clean",
            "platform": "linux/amd64",
        }
        return web.json_response(found)

    def _discover(self, request: web.Request, path: str, user: str) -> web.Response:
        if request.method != "GET":
            raise ApiError(405, "the server does not allow this method on the requested resource")
        if user == "system:anonymous":
            raise ApiError(403, f'forbidden: User "{user}" cannot get path "{path}"', details={})
        form = negotiate.form(request.headers.get("Accept", ""), "")
        kinds, parts = self.store.kinds, path.strip("/").split("/")
        if path in ("/api", "/apis") and form.discovery:
            body = msgspec.json.encode(discovery.aggregated(kinds, core=path == "/api"))
            kind = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
            return _reply(request, body, headers={"Content-Type": kind})
        found = discovery.document(kinds, parts, self.address)
        if found is None:
            raise ApiError(404, _UNKNOWN)
        return _reply(request, msgspec.json.encode(found))

    async def _review(self, request: web.Request, at: Target, user: str) -> web.Response:
        if request.method != "POST":
            raise ApiError(405, "the server does not allow this method on the requested resource")
        if request.content_type == protobuf.MEDIA:
            body: Any = protobuf.review(await request.read())
        else:
            body = await requests.document(request)
        if not isinstance(body, dict):
            raise ApiError(400, "Object 'Kind' is missing in request body")
        answer = auth.review(REVIEWS[at.group, at.plural], user, body)
        answer["apiVersion"] = f"{at.group}/{at.version}"
        return _reply(request, msgspec.json.encode(answer), 201)

    async def _resource(
        self, request: web.Request, kind: Kind, at: Target, user: str
    ) -> web.StreamResponse:
        verb = _VERBS.get(request.method, "")
        watching = verb == "get" and not at.name and requests.flag(request, "watch")
        if not at.name:
            verb = {"get": "watch" if watching else "list", "delete": "deletecollection"}.get(
                verb, verb
            )
        own = at.name if kind is NAMESPACE else at.namespace
        path = "/".join(filter(None, (at.plural, at.subresource)))
        auth.Ask(verb, at.group, path, own, at.name).check(user)
        form = negotiate.form(
            request.headers.get("Accept", ""), request.query.get("includeObject", "")
        )
        await self._faults.on_verb(verb)
        if watching:
            return await self._watch(request, kind, at, form)
        if verb == "list":
            found, meta = lists.page(request, self.store, kind, at.namespace)
            return _reply(request, form.many(kind, found, meta))
        action = getattr(self, f"_{verb}", None)
        if action is None or (verb in ("update", "patch") and not at.name):
            raise ApiError(405, "the server does not allow this method on the requested resource")
        body, code, warnings = await action(request, kind, at, form)
        return _reply(request, body, code, {"Warning": warnings} if warnings else {})

    async def _watch(
        self, request: web.Request, kind: Kind, at: Target, form: Form
    ) -> web.StreamResponse:
        watch = Watch(request, self.store, kind, at.namespace, form)
        response = web.StreamResponse(
            headers={"Content-Type": "application/json", "Cache-Control": "no-cache, private"}
        )
        response.enable_chunked_encoding()
        await response.prepare(request)
        with suppress(ConnectionResetError):  # the client left
            await self._faults.stream(response.write, watch)
        return response

    async def _get(
        self, request: web.Request, kind: Kind, at: Target, form: Form
    ) -> tuple[bytes, int, str]:
        del request
        if at.subresource in ("eviction", "finalize"):
            raise ApiError(405, "the server does not allow this method on the requested resource")
        found = self.registry.read(kind, at.namespace, at.name)
        if at.subresource == "scale":
            return msgspec.json.encode(subresources.scale(found)), 200, ""
        return form.one(kind, found), 200, ""

    async def _create(
        self, request: web.Request, kind: Kind, at: Target, form: Form
    ) -> tuple[bytes, int, str]:
        by = requests.writer(request)
        body = await requests.document(request)
        if at.subresource == "eviction" and kind is POD:
            answer = subresources.evict(
                self.registry,
                at.namespace,
                at.name,
                requests.check_kind(kind, body, "Eviction"),
                by,
            )
            return msgspec.json.encode(answer), 201, ""
        if at.name:
            raise ApiError(405, "the server does not allow this method on the requested resource")
        obj = requests.check_kind(kind, body)
        if kind.namespaced and not at.namespace:
            raise ApiError(405, "the server does not allow this method on the requested resource")
        warnings = check_fields(kind, obj, request.query.get("fieldValidation", ""))
        return form.one(kind, self.registry.create(kind, at.namespace, obj, by)), 201, warnings

    async def _update(
        self, request: web.Request, kind: Kind, at: Target, form: Form
    ) -> tuple[bytes, int, str]:
        by = requests.writer(request)
        body = await requests.document(request)
        if at.subresource == "scale":
            live = self.registry.read(kind, at.namespace, at.name)
            found = subresources.write_scale(self.registry, kind, live, body, by)
            return msgspec.json.encode(subresources.scale(found)), 200, ""
        obj = requests.check_kind(kind, body)
        warnings = check_fields(kind, obj, request.query.get("fieldValidation", ""))
        self._same_name(obj, at)
        if kind.namespaced:
            obj["metadata"].setdefault("namespace", at.namespace)
        sub = "" if at.subresource == "finalize" else at.subresource
        return form.one(kind, self.registry.update(kind, obj, by, subresource=sub)), 200, warnings

    @staticmethod
    def _same_name(obj: Obj, at: Target) -> None:
        name = dig(obj, "metadata", "name")
        if name != at.name:
            raise ApiError(
                400,
                f"the name of the object ({name}) does not match the name on the URL ({at.name})",
            )

    async def _patch(
        self, request: web.Request, kind: Kind, at: Target, form: Form
    ) -> tuple[bytes, int, str]:
        media = request.content_type
        if media not in _PATCHES or (kind.custom and "strategic" in media):
            offered = ", ".join(one for one in _PATCHES if not (kind.custom and "strategic" in one))
            raise ApiError(
                415,
                "the body of the request was in an unknown format - accepted media types include:"
                f" {offered}",
            )
        by = requests.writer(request, patch=media)
        body = await requests.document(request)
        validation = request.query.get("fieldValidation", "")
        if at.subresource == "scale":
            found = self.registry.read(kind, at.namespace, at.name)
            wanted = _patched(media, subresources.scale(found), body)
            written = subresources.write_scale(self.registry, kind, found, wanted, by)
            return msgspec.json.encode(subresources.scale(written)), 200, ""
        if media == requests.APPLY:
            config = requests.check_kind(kind, body)
            config.setdefault("metadata", {}).setdefault("name", at.name)
            self._same_name(config, at)
            if kind.namespaced:
                config["metadata"].setdefault("namespace", at.namespace)
            warnings = check_fields(kind, config, validation)
            stored, new = self.registry.apply(
                kind, at.namespace, config, by, subresource=at.subresource
            )
            return form.one(kind, stored), 201 if new else 200, warnings
        old = self.registry.read(kind, at.namespace, at.name)
        live = {"kind": kind.name, "apiVersion": kind.api_version, **old.copy()}
        obj = requests.check_kind(kind, _patched(media, live, body))
        warnings = check_fields(kind, obj, validation)
        self._same_name(obj, at)
        stored = self.registry.update(kind, obj, by, subresource=at.subresource)
        return form.one(kind, stored), 200, warnings

    async def _delete(
        self, request: web.Request, kind: Kind, at: Target, form: Form
    ) -> tuple[bytes, int, str]:
        if at.subresource:
            raise ApiError(405, "the server does not allow this method on the requested resource")
        by = requests.writer(request)
        options = await requests.delete_options(request)
        found, over = self.registry.delete(kind, at.namespace, at.name, options, by)
        if not over or kind is POD:
            return form.one(kind, found), 200, ""
        details = {"name": at.name, "group": kind.group, "kind": kind.plural}
        details["uid"] = found.obj["metadata"]["uid"]
        status = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Success",
            "details": {key: value for key, value in details.items() if value},
        }
        return msgspec.json.encode(status), 200, ""

    async def _deletecollection(
        self, request: web.Request, kind: Kind, at: Target, form: Form
    ) -> tuple[bytes, int, str]:
        if kind.namespaced and not at.namespace:
            raise ApiError(405, "the server does not allow this method on the requested resource")
        by = requests.writer(request)
        options = await requests.delete_options(request)
        found, meta = lists.page(request, self.store, kind, at.namespace)
        removed: list[Entry] = []
        for one in found:
            name = one.obj["metadata"]["name"]
            removed.append(self.registry.delete(kind, at.namespace, name, options, by)[0])
        return (
            form.many(kind, removed, {**meta, "resourceVersion": str(self.store.revision)}),
            200,
            "",
        )


def _patched(media: str, live: Obj, patch: Any) -> Obj:
    if media == "application/json-patch+json":
        return patches.json_patch(live, patch)
    if not isinstance(patch, dict):
        raise ApiError(400, "error decoding patch: json: cannot unmarshal into Go value")
    if media == "application/merge-patch+json":
        return dict(patches.merge_patch(live, patch))
    return patches.strategic_patch(live, patch)


def _reply(
    request: web.Request, body: bytes, code: int = 200, headers: dict[str, str] | None = None
) -> web.Response:
    found = {
        "Content-Type": "application/json",
        "Cache-Control": "no-cache, private",
        "Audit-Id": str(uuid.uuid4()),
        **(headers or {}),
    }
    if len(body) > _GZIP_FROM and "gzip" in request.headers.get("Accept-Encoding", ""):
        body = gzip.compress(body, 1)
        found["Content-Encoding"] = "gzip"
        found["Vary"] = "Accept-Encoding"
    return web.Response(body=body, status=code, headers=found)

"""Reading a request: its path, its options, its body."""

from typing import Any

import msgspec
import yaml
from aiohttp import web

from console.sandbox.kinds import Kind
from console.sandbox.objects import Obj
from console.sandbox.registry import DeleteOptions, Writer
from console.sandbox.status import ApiError

_TRUE = ("1", "true", "True")
APPLY = "application/apply-patch+yaml"


class Target(msgspec.Struct, frozen=True):
    """What a path points at."""

    group: str
    version: str
    plural: str
    namespace: str = ""
    name: str = ""
    subresource: str = ""


def target(path: str) -> Target | None:
    """Take a resource path apart; None when it is not one."""
    parts = path.strip("/").split("/")
    if parts[:2] == ["api", "v1"]:
        group, version, rest = "", "v1", parts[2:]
    elif parts[0] == "apis" and len(parts) > 3:
        group, version, rest = parts[1], parts[2], parts[3:]
    else:
        return None
    namespace = ""
    if rest[:1] == ["namespaces"] and rest[2:] and rest[2] not in ("status", "finalize"):
        namespace, rest = rest[1], rest[2:]
    if not rest or len(rest) > 3:
        return None
    return Target(group, version, rest[0], namespace, *rest[1:])


def flag(request: web.Request, name: str) -> bool:
    """Read a yes-or-no option."""
    return request.query.get(name, "") in _TRUE


def number(request: web.Request, name: str) -> int:
    """Read a counting option; 0 when it is absent."""
    text = request.query.get(name) or "0"
    try:
        return int(text)
    except ValueError as error:
        raise ApiError(
            400, f'strconv.ParseInt: parsing "{text}": invalid syntax', reason="BadRequest"
        ) from error


def writer(request: web.Request, *, patch: str = "") -> Writer:
    """Read who writes and how, from the options every write takes."""
    dry = request.query.getall("dryRun", [])
    if any(one != "All" for one in dry):
        raise _options(patch, "dryRun", f'Unsupported value: "{dry[0]}": supported values: "All"')
    agent = request.headers.get("User-Agent", "unknown").partition("/")[0]
    manager = request.query.get("fieldManager", "")
    if patch == APPLY and not manager:
        raise _options(patch, "fieldManager", "Required value: is required for apply patch")
    if patch != APPLY and flag(request, "force"):
        raise _options(patch, "force", "Forbidden: may not be specified for non-apply patch")
    return Writer(manager or agent, bool(dry), flag(request, "force"))


def _options(patch: str, name: str, sentence: str) -> ApiError:
    kind = "PatchOptions" if patch else "UpdateOptions"
    message = f'{kind}.meta.k8s.io "" is invalid: {name}: {sentence}'
    causes = [{"reason": "FieldValueInvalid", "message": sentence, "field": name}]
    return ApiError(422, message, details={"group": "meta.k8s.io", "kind": kind, "causes": causes})


async def document(request: web.Request) -> Any:
    """Read the body, JSON or YAML by its content type."""
    media = request.content_type
    raw = await request.read()
    plain = ("application/json", "application/octet-stream", "application/yaml", APPLY)
    if media not in plain and not media.endswith("-patch+json"):
        raise ApiError(
            415,
            "the body of the request was in an unknown format - accepted media types"
            " include: application/json, application/yaml",
        )
    return decode(raw, yaml_too=media in (APPLY, "application/yaml"))


def decode(raw: bytes, *, yaml_too: bool = False) -> Any:
    """Decode a body or refuse with 400."""
    try:
        return yaml.safe_load(raw) if yaml_too else msgspec.json.decode(raw)
    except (msgspec.DecodeError, yaml.YAMLError, UnicodeDecodeError) as error:
        raise ApiError(400, f"couldn't get version/kind; json parse error: {error}") from error


def check_kind(kind: Kind, body: Any, expected: str = "") -> Obj:
    """Hold a body against the kind its path names."""
    name, version = expected or kind.name, kind.api_version
    if not isinstance(body, dict):
        raise ApiError(400, "Object 'Kind' is missing in request body")
    if expected:
        return body
    if not body.get("kind") or not body.get("apiVersion"):
        missing = "Kind" if not body.get("kind") else "apiVersion"
        raise ApiError(400, f"Object '{missing}' is missing in '{msgspec.json.encode(body)!r}'")
    if (body["kind"], body["apiVersion"]) != (name, version):
        sent = f"{body['apiVersion']}, Kind={body['kind']}"
        raise ApiError(
            400,
            f'{body["kind"]} in version "{body["apiVersion"]}" cannot be handled as a {name}:'
            f" expected {version}, Kind={name}, got {sent}",
        )
    return body


async def delete_options(request: web.Request) -> DeleteOptions:
    """Read how to delete, from the body or the query."""
    raw = await request.read()
    body = decode(raw) if raw else {}
    conditions = body.get("preconditions") or {}
    grace = body.get("gracePeriodSeconds", request.query.get("gracePeriodSeconds"))
    chosen = body.get("propagationPolicy") or request.query.get("propagationPolicy")
    if chosen not in (None, "Background", "Foreground", "Orphan"):
        raise ApiError(
            422,
            f'DeleteOptions.meta.k8s.io "" is invalid: propagationPolicy: Unsupported value:'
            f' "{chosen}": supported values: "Foreground", "Background", "Orphan", "nil"',
        )
    return DeleteOptions(
        propagation=chosen or "Background",
        grace=None if grace is None else int(grace),
        uid=conditions.get("uid", ""),
        revision=conditions.get("resourceVersion", ""),
    )

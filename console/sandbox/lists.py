"""Lists: selectors, pages, and reads at a version."""

import base64

import msgspec
from aiohttp import web

from console.sandbox import requests, selectors
from console.sandbox.kinds import Kind
from console.sandbox.objects import Obj
from console.sandbox.selectors import Test
from console.sandbox.status import ApiError, gone
from console.sandbox.store import Entry, Store


class _Token(msgspec.Struct):
    rv: int
    start: str
    v: str = "meta.k8s.io/v1"


def chooser(request: web.Request, kind: Kind) -> Test | None:
    """Compile a request's selectors; None when it takes everything."""
    resource = f"{kind.api_version if kind.group else '/v1'}, Resource={kind.plural}"
    tests = [
        selectors.label_test(request.query.get("labelSelector", "")),
        selectors.field_test(request.query.get("fieldSelector", ""), kind.fields, resource),
    ]
    active = [test for test in tests if test]
    return (lambda obj: all(test(obj) for test in active)) if active else None


def page(request: web.Request, store: Store, kind: Kind, namespace: str) -> tuple[list[Entry], Obj]:
    """Take one page of a kind, and the list metadata that goes with it."""
    chosen = chooser(request, kind)
    limit = requests.number(request, "limit")
    token = _token(request.query.get("continue", ""))
    revision = token.rv if token else _revision(request, store)
    if not token and request.query.get("resourceVersion") == "0":
        limit = 0  # served from the watch cache, which does not page
    objects = _snapshot(store, kind, revision, token)
    start = token.start if token else ""
    found = [
        (place, one)
        for place, one in sorted((f"{key[0]}/{key[1]}", one) for key, one in objects.items())
        if place > start
        and (not namespace or place.startswith(f"{namespace}/"))
        and (chosen is None or chosen(one.obj))
    ]
    meta: Obj = {"resourceVersion": str(revision)}
    if limit and len(found) > limit:
        meta["continue"] = _encoded(_Token(revision, found[limit - 1][0]))
        if chosen is None:
            meta["remainingItemCount"] = len(found) - limit
        found = found[:limit]
    return [one for _, one in found], meta


def _snapshot(
    store: Store, kind: Kind, revision: int, token: _Token | None
) -> dict[tuple[str, str], Entry]:
    try:
        return store.snapshot(kind, revision)
    except ApiError as error:
        if token is None:
            raise gone("The resourceVersion for the provided list is too old.") from error
        raise gone(
            "The provided continue parameter is too old to display a consistent list result. You"
            " can start a new list without the continue parameter, or use the continue token in"
            " this response to retrieve the remainder of the results. Continuing with the provided"
            " token results in an inconsistent list - objects that were created, modified, or"
            " deleted between the time the first chunk was returned and now may show up in the"
            " list.",
            _encoded(_Token(store.revision, token.start)),
        ) from error


def _revision(request: web.Request, store: Store) -> int:
    asked = request.query.get("resourceVersion", "")
    match = request.query.get("resourceVersionMatch", "")
    if match and not asked:
        raise _bad_options(
            "resourceVersionMatch",
            "Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided",
        )
    if match not in ("", "Exact", "NotOlderThan"):
        raise _bad_options(
            "resourceVersionMatch",
            f'Unsupported value: "{match}": supported values: "Exact", "NotOlderThan", ""',
        )
    revision = parse_revision(asked)
    if revision > store.revision:
        raise ApiError(
            504,
            f"Too large resource version: {revision}, current: {store.revision}",
            details={
                "causes": [
                    {
                        "reason": "ResourceVersionTooLarge",
                        "message": "Too large resource version",
                    }
                ],
                "retryAfterSeconds": 1,
            },
        )
    exact = match == "Exact" or (not match and revision and request.query.get("limit"))
    return revision if exact else store.revision


def _bad_options(name: str, sentence: str) -> ApiError:
    message = f'ListOptions.meta.k8s.io "" is invalid: {name}: {sentence}'
    cause = {"reason": "FieldValueForbidden", "message": sentence, "field": name}
    return ApiError(422, message, details={"group": "meta.k8s.io", "causes": [cause]})


def parse_revision(text: str) -> int:
    """Read a resourceVersion; empty counts as 0."""
    if text and not text.isdecimal():
        raise ApiError(
            422,
            f'ListOptions.meta.k8s.io "" is invalid: resourceVersion: Invalid value: "{text}":'
            f' strconv.ParseUint: parsing "{text}": invalid syntax',
        )
    return int(text or 0)


def _token(text: str) -> _Token | None:
    if not text:
        return None
    try:
        padded = text + "=" * (-len(text) % 4)
        return msgspec.json.decode(base64.urlsafe_b64decode(padded), type=_Token)
    except (ValueError, msgspec.DecodeError) as error:
        raise ApiError(400, f"continue key is not valid: {error}") from error


def _encoded(token: _Token) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(token)).decode().rstrip("=")

"""Errors as the API server writes them: a Status object with code, reason and causes."""

from console.sandbox.objects import Obj

_REASONS = {
    400: "BadRequest",
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    405: "MethodNotAllowed",
    406: "NotAcceptable",
    409: "Conflict",
    410: "Expired",
    415: "UnsupportedMediaType",
    422: "Invalid",
    429: "TooManyRequests",
    500: "InternalError",
    501: "NotImplemented",
    504: "Timeout",
}


MALFORMED = (AttributeError, IndexError, KeyError, TypeError, ValueError)
"""What code raises that meets an object of a shape it does not know."""


class ApiError(Exception):
    """A request's refusal, carrying the Status that says why."""

    def __init__(
        self,
        code: int,
        message: str,
        *,
        reason: str = "",
        details: Obj | None = None,
        continue_token: str = "",
        retry_after: int = 0,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.retry_after = retry_after
        details = dict(details or {})
        if retry_after:
            details["retryAfterSeconds"] = retry_after
        self.status: Obj = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {"continue": continue_token} if continue_token else {},
            "status": "Failure",
            "message": message,
            "reason": reason or _REASONS[code],
            "code": code,
        }
        if details:
            self.status["details"] = details


def _details(resource: str, group: str, name: str) -> Obj:
    found = {"name": name, "group": group, "kind": resource}
    return {key: value for key, value in found.items() if value}


def _qualified(resource: str, group: str) -> str:
    return f"{resource}.{group}" if group else resource


def not_found(resource: str, group: str, name: str) -> ApiError:
    """Refuse: no such object."""
    message = f'{_qualified(resource, group)} "{name}" not found'
    return ApiError(404, message, details=_details(resource, group, name))


def already_exists(resource: str, group: str, name: str) -> ApiError:
    """Refuse: the name is taken."""
    message = f'{_qualified(resource, group)} "{name}" already exists'
    return ApiError(409, message, reason="AlreadyExists", details=_details(resource, group, name))


def conflict(resource: str, group: str, name: str, why: str = "") -> ApiError:
    """Refuse: the object moved since it was read."""
    why = why or (
        "the object has been modified; please apply your changes to the latest version"
        " and try again"
    )
    message = f'Operation cannot be fulfilled on {_qualified(resource, group)} "{name}": {why}'
    return ApiError(409, message, details=_details(resource, group, name))


def forbidden(
    resource: str, group: str, name: str, why: str, causes: list[Obj] | None = None
) -> ApiError:
    """Refuse: not allowed, and why."""
    subject = f'{_qualified(resource, group)} "{name}"' if name else _qualified(resource, group)
    details = _details(resource, group, name)
    if causes:
        details["causes"] = causes
    return ApiError(403, f"{subject} is forbidden: {why}", details=details)


def invalid(kind: str, group: str, name: str, *problems: tuple[str, str, str]) -> ApiError:
    """Refuse: fields (path, reason, sentence) that do not validate."""
    texts = [f"{path}: {sentence}" for path, _, sentence in problems]
    joined = texts[0] if len(texts) == 1 else "[" + ", ".join(texts) + "]"
    causes = [{"reason": why, "message": text, "field": at} for at, why, text in problems]
    details = {**_details(kind, group, name), "causes": causes}
    message = f'{_qualified(kind, group)} "{name}" is invalid: {joined}'
    return ApiError(422, message, details=details)


def gone(message: str, continue_token: str = "") -> ApiError:
    """Refuse: that version has left history."""
    return ApiError(410, message, continue_token=continue_token)

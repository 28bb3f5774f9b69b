"""What can go wrong, as one tree; links turn foreign exceptions into these, screens show them.

ConsoleError
├── ConfigError                 a setting is wrong; names file, line and the nearest right word
├── ManifestError               an action manifest is wrong; names file and line
├── LinkError                   talking to a system failed
│   ├── UnreachableError        no connection: refused, DNS, TLS, proxy
│   ├── LinkTimeoutError        no answer within the deadline
│   ├── AuthExpiredError        401, or the credential plugin refused
│   ├── ForbiddenError          403
│   ├── NotFoundError           404
│   ├── ConflictError           409
│   ├── GoneError               410: the version fell out of history
│   ├── InvalidError            422, 400: the server refused the object
│   ├── ThrottledError          429
│   ├── ServerFaultError        5xx
│   └── BadReplyError           an answer that cannot be read
├── RefusedError                preflight said no; carries the refusals
├── StalePlanError              the world moved since the plan, or it was already carried out
├── LockedError                 somebody else holds the target
├── ReadOnlyError               the write gateway is closed
├── StepError
│   ├── StepFailedError         the step was refused or did not take effect
│   ├── StepUnverifiedError     done, but the check afterwards did not hold
│   └── OutcomeUnknownError     asked, and the answer was lost
└── JournalError                the run's record cannot be written or read
"""

from collections.abc import Sequence


class ConsoleError(Exception):
    """Say what went wrong, where, and what to do next."""

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message} ({self.remedy})" if self.remedy else self.message


class PlacedError(ConsoleError):
    """An error that can name the file and line it is about."""

    def __init__(
        self, message: str, *, path: str = "", line: int | None = None, remedy: str = ""
    ) -> None:
        place = f"{path}:{line}: " if path and line else f"{path}: " if path else ""
        super().__init__(f"{place}{message}", remedy=remedy)
        self.path = path
        self.line = line


class ConfigError(PlacedError):
    """A setting, flag or kubeconfig is wrong."""


class ManifestError(PlacedError):
    """An action manifest is wrong."""


class LinkError(ConsoleError):
    """Talking to a system failed; `status` is its HTTP code when there was one."""

    def __init__(self, message: str, *, remedy: str = "", status: int | None = None) -> None:
        super().__init__(message, remedy=remedy)
        self.status = status


class UnreachableError(LinkError):
    """No connection could be made."""


class LinkTimeoutError(LinkError):
    """No answer came within the deadline."""


class AuthExpiredError(LinkError):
    """The credentials were refused or could not be had."""


class ForbiddenError(LinkError):
    """The user may not do this."""


class NotFoundError(LinkError):
    """There is no such object, or the server does not serve the kind."""


class ConflictError(LinkError):
    """The object changed meanwhile, or another manager owns the field."""


class GoneError(LinkError):
    """The version fell out of the server's history: list again."""


class InvalidError(LinkError):
    """The server refused the object as it is."""


class ThrottledError(LinkError):
    """Too many requests; `retry_after` in seconds when the server said it."""

    def __init__(self, message: str, *, remedy: str = "", retry_after: float | None = None) -> None:
        super().__init__(message, remedy=remedy, status=429)
        self.retry_after = retry_after


class ServerFaultError(LinkError):
    """The server failed (5xx)."""


class BadReplyError(LinkError):
    """The answer cannot be read."""


class RefusedError(ConsoleError):
    """Preflight said no; `reasons` has a line for each refusal."""

    def __init__(self, message: str, *, reasons: Sequence[str] = (), remedy: str = "") -> None:
        super().__init__(message, remedy=remedy)
        self.reasons = tuple(reasons)


class StalePlanError(ConsoleError):
    """The world moved since the plan was made, or the plan was already carried out."""


class LockedError(ConsoleError):
    """Somebody else holds the target's lock."""


class ReadOnlyError(ConsoleError):
    """The write gateway is closed for this cluster."""


class StepError(ConsoleError):
    """A step of a run did not end well."""


class StepFailedError(StepError):
    """The step was refused or did not take effect."""


class StepUnverifiedError(StepError):
    """The step was done, but the check afterwards did not hold."""


class OutcomeUnknownError(StepError):
    """The step was asked for and the answer was lost; only looking again decides."""


class JournalError(ConsoleError):
    """The journal cannot be written or read."""

"""Exit codes, documented in the README and tested."""

from enum import IntEnum

from console import errors


class Exit(IntEnum):
    """What a script can rely on."""

    OK = 0
    PROBLEMS = 1
    USAGE = 2
    PARTIAL = 3
    """Some clusters could not be reached; the output is marked incomplete."""
    AUTH = 4
    REFUSED = 5
    LOCKED = 6
    FAILED_UNDONE = 7
    FAILED = 8
    UNVERIFIED = 9
    INTERRUPTED = 130


_BY_ERROR: tuple[tuple[type[errors.ConsoleError], Exit], ...] = (
    (errors.ConfigError, Exit.USAGE),
    (errors.ManifestError, Exit.USAGE),
    (errors.AuthExpiredError, Exit.AUTH),
    (errors.RefusedError, Exit.REFUSED),
    (errors.StalePlanError, Exit.REFUSED),
    (errors.ReadOnlyError, Exit.REFUSED),
    (errors.LockedError, Exit.LOCKED),
    (errors.StepUnverifiedError, Exit.UNVERIFIED),
    (errors.StepError, Exit.FAILED),
    (errors.LinkError, Exit.PARTIAL),
)


def exit_code(error: errors.ConsoleError) -> Exit:
    """Return the code for an error that ends a command."""
    return next((code for kind, code in _BY_ERROR if isinstance(error, kind)), Exit.PROBLEMS)

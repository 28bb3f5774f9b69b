"""How long to wait: deadlines, signs of life, and the pauses between attempts."""

import random

import msgspec

from console.errors import (
    AuthExpiredError,
    ConsoleError,
    ForbiddenError,
    NotFoundError,
    ThrottledError,
)


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """The times that reading a cluster keeps to, in seconds."""

    probe_every: float = 5.0
    """Between two probes of an API server."""
    probe_deadline: float = 5.0
    connect_deadline: float = 5.0
    """For one connection, before anything was asked."""
    silence: float = 75.0
    """A watch that says nothing for longer is broken: bookmarks come about every 60 s."""
    watch_min: float = 240.0
    watch_max: float = 300.0
    """The server ends a watch after a time drawn between these: not all end at once."""
    first_pause: float = 1.0
    longest_pause: float = 60.0
    first_auth_pause: float = 5.0
    longest_auth_pause: float = 300.0
    """Refused credentials are asked for again slowly: each try may cost a login."""
    refused_pause: float = 300.0
    """Until a forbidden or absent kind is asked for again."""
    warm: float = 60.0
    """How long a kind is kept after the last look at it."""
    sleep_jump: float = 5.0
    """The wall clock runs ahead of the steady one by this much: the machine has slept."""
    slot_lapse: float = 2.0
    """A page that takes longer lets another one start beside it."""


class Backoff:
    """Counts failures and grows the pause after each; jittered, so that a fleet does not march."""

    def __init__(self, pace: Pace) -> None:
        self.attempts = 0
        self._pace = pace

    def reset(self) -> None:
        """Start again from the shortest pause."""
        self.attempts = 0

    def after(self, error: ConsoleError) -> float:
        """Count one more failure and return how long to wait."""
        pace = self._pace
        self.attempts += 1
        if isinstance(error, ForbiddenError | NotFoundError):
            return _jittered(pace.refused_pause)
        if isinstance(error, ThrottledError) and error.retry_after is not None:
            return error.retry_after + _jittered(pace.first_pause)
        first, longest = pace.first_pause, pace.longest_pause
        if isinstance(error, AuthExpiredError):
            first, longest = pace.first_auth_pause, pace.longest_auth_pause
        return _jittered(min(longest, first * 2 ** min(self.attempts - 1, 30)))


def _jittered(pause: float) -> float:
    return pause * random.uniform(0.75, 1.0)  # noqa: S311  spreading load, not a secret

"""Faults a person or a test can switch on, for one cluster or for all."""

import asyncio
from collections.abc import Callable
from typing import Protocol

from aiohttp import web

from console.sandbox.status import ApiError
from console.sandbox.watches import Send, gone_line

SLOW_LIST_SECONDS = 5.0
RETRY_AFTER_SECONDS = 5
NAMES = (
    "down",
    "blackhole",
    "unauthorized",
    "expired-exec-token",
    "gone",
    "slow-list",
    "throttle",
    "error",
    "silence",
)
_REFUSALS: dict[str, Callable[[], ApiError]] = {
    "unauthorized": lambda: ApiError(401, "Unauthorized"),
    "error": lambda: ApiError(
        500, "Internal error occurred: the sandbox was told to fail", reason="InternalError"
    ),
    "throttle": lambda: ApiError(
        429,
        "Too many requests, please try again later.",
        retry_after=RETRY_AFTER_SECONDS,
    ),
}
_CUTTING = ("down", "gone", *_REFUSALS, "expired-exec-token")
"""Faults that end the streams already open, so that clients come back and meet them."""


class Stream(Protocol):
    """A watch as faults see it: something that runs and can be ended."""

    async def run(self, send: Send) -> None: ...

    def cut(self) -> None: ...


class Faults:
    """The faults that are on in one cluster."""

    def __init__(self) -> None:
        self.active: set[str] = set()
        self._changed = asyncio.Event()
        self._streams: set[Stream] = set()

    def add(self, name: str) -> None:
        """Switch a fault on."""
        self.active.add(name)
        self._tell()
        if name in _CUTTING:
            self.cut()

    def cut(self) -> None:
        """End every open stream."""
        for stream in tuple(self._streams):
            stream.cut()

    def clear(self, name: str = "") -> None:
        """Switch a fault off, or all of them."""
        self.active -= {name} if name else set(NAMES)
        self._tell()

    def _tell(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    async def _while_on(self, *names: str) -> None:
        while self.active.intersection(names):
            await self._changed.wait()

    async def before(self, request: web.Request) -> None:
        """Meet a request: hang, refuse, or let it pass."""
        await self._while_on("blackhole")
        for name, refusal in _REFUSALS.items():
            if name in self.active and request.path not in ("/healthz", "/livez", "/readyz"):
                raise refusal()

    async def on_verb(self, verb: str) -> None:
        """Slow down what the fault names."""
        if verb == "list" and "slow-list" in self.active:
            await asyncio.sleep(SLOW_LIST_SECONDS)

    async def stream(self, send: Send, stream: Stream) -> None:
        """Run a watch stream under whatever is on."""

        async def heard(line: bytes) -> None:
            await self._while_on("silence", "blackhole")
            await send(line)

        if "gone" not in self.active:
            self._streams.add(stream)
            try:
                await stream.run(heard)
            finally:
                self._streams.discard(stream)
        if "gone" in self.active:
            await send(gone_line())

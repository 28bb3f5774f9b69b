"""Turns the store's wake-ups into at most ten batches a second."""

import time
from collections.abc import Callable

from textual.app import App
from textual.timer import Timer

from console.store import ChangeBatch, Store

_PERIOD = 0.1


class Feed:
    """Hands batches to one receiver, never faster than the period."""

    def __init__(self, app: App[int], store: Store, receive: Callable[[ChangeBatch], None]) -> None:
        self._app = app
        self._store = store
        self._receive = receive
        self._timer: Timer | None = None
        self._sent_at = 0.0
        self._stop = store.on_change(self._woken)
        # The store wakes its listeners once a batch; one may be waiting since before we listened.
        self._woken()

    def close(self) -> None:
        """Hand over nothing more."""
        self._stop()
        if self._timer is not None:
            self._timer.stop()

    def _woken(self) -> None:
        if self._timer is None:
            wait = max(0.0, self._sent_at + _PERIOD - time.monotonic())
            self._timer = self._app.set_timer(wait or 0.001, self._deliver)

    def _deliver(self) -> None:
        self._timer = None
        self._sent_at = time.monotonic()
        self._receive(self._store.take_batch())

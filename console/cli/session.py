"""What every command starts from: the global options, and the fleet they lead to."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from console.clock import Clock, SystemClock
from console.store import Store

if TYPE_CHECKING:
    from console.fleet import Fleet
    from console.inventory import Inventory


@dataclass
class Session:
    """One invocation."""

    contexts: tuple[str, ...] = ()
    kubeconfig: str | None = None
    fleet_file: str | None = None
    read_only: bool = False
    request_timeout: float = 10.0
    clock: Clock = field(default_factory=SystemClock)

    @cached_property
    def inventory(self) -> "Inventory":
        """Return the clusters that kubeconfig and fleet.yaml name."""
        from console.inventory import load

        return load(kubeconfig=self.kubeconfig, fleet_file=self.fleet_file)

    def scope(self, more: tuple[str, ...] = ()) -> tuple[str, ...]:
        """Return the aliases that the --context options choose; all when there are none.

        Raises:
            ConfigError: a name or glob chooses nothing.

        """
        return self.inventory.choose((*self.contexts, *more))

    def new_fleet(self, store: Store) -> "Fleet":
        """Make the fleet of this invocation; nothing is connected yet, the caller closes it."""
        from console.fleet import Fleet

        return Fleet(
            self.inventory,
            store,
            self.clock,
            read_only=self.read_only,
            request_timeout=self.request_timeout,
        )

    @asynccontextmanager
    async def open_fleet(self) -> "AsyncIterator[Fleet]":
        """Give a fleet whose links are closed at the end; nothing is connected yet."""
        fleet = self.new_fleet(Store(self.clock))
        try:
            yield fleet
        finally:
            await fleet.close()

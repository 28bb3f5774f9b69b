"""The doors a step or check may use; it imports no link and remembers nothing itself."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import msgspec

from actions.model import Level
from console.clock import Clock
from console.links.kube.objects import ObjectRef
from console.store import Snapshot

MANAGER = "shifu-console"
"""Our name in `metadata.managedFields`."""

__all__ = ["MANAGER", "Gateway", "ObjectRef", "Permission", "Report", "World"]


class Gateway(Protocol):
    """One cluster's objects: reads, and the only way to write."""

    async def get(self, ref: ObjectRef) -> dict[str, Any]: ...
    async def list(
        self, api: str, plural: str, namespace: str = "", label_selector: str = ""
    ) -> list[dict[str, Any]]: ...
    async def apply(
        self, ref: ObjectRef, body: dict[str, Any], *, dry_run: bool = False, force: bool = False
    ) -> dict[str, Any]: ...
    async def create(self, ref: ObjectRef, body: dict[str, Any]) -> dict[str, Any]: ...
    async def replace(self, ref: ObjectRef, body: dict[str, Any]) -> dict[str, Any]: ...
    async def allowed(self, verb: str, ref: ObjectRef) -> tuple[bool | None, str]: ...
    async def whoami(self) -> str: ...


class Permission(msgspec.Struct, frozen=True):
    """A right that a step needs."""

    verb: str
    ref: ObjectRef


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What a check says; `ok` is None when it could not be told."""

    ok: bool | None
    message: str
    remedy: str = ""
    level: Level | None = None
    """Overrides the manifest's level: a step's own findings carry theirs."""
    seen: dict[str, Any] = {}
    """What the answer rests on and a run may not find changed."""


@dataclass(frozen=True, kw_only=True)
class World:
    """Everything a step or check may touch."""

    cluster: str
    namespace: str
    target: Mapping[str, Any]
    open: Callable[[str], Gateway]
    collect: Callable[[Iterable[str], Iterable[str]], Awaitable[None]]
    look: Snapshot
    clock: Clock
    management: str | None = None
    places: frozenset[str] = frozenset()
    """Every name the target's cluster goes by: alias, context, server."""
    seen: Mapping[str, Any] = field(default_factory=dict)
    """What the step at hand found when it was planned."""
    outputs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """The outputs of the steps so far."""

    @property
    def objects(self) -> Gateway:
        """Return the objects of the target's own cluster."""
        return self.open(self.cluster)

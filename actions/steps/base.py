"""What a step type has to answer."""

from enum import StrEnum
from typing import Any, ClassVar

import msgspec

from actions.model import Hunk
from actions.world import Permission, Report, World


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What a step was planned on."""

    facts: dict[str, Any]
    """Part of the fingerprint: when one of these moves, the plan is stale."""
    noted: dict[str, Any] = {}
    """Wanted later, but free to move."""


class Effect(msgspec.Struct, frozen=True, kw_only=True):
    """What an executed step changed."""

    object: str
    before: Any
    after: Any
    outputs: dict[str, Any] = {}


class Sight(StrEnum):
    """Whether a step in doubt took effect."""

    DONE = "done"
    NOT_DONE = "not done"
    UNCLEAR = "unclear"


class Observed(msgspec.Struct, frozen=True, kw_only=True):
    """What looking again says about a step in doubt."""

    sight: Sight
    message: str
    effect: Effect | None = None


class StepSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A step type: its fields are its `with:` keys."""

    NAME: ClassVar[str]
    writes: ClassVar[bool] = True
    title: ClassVar[str] = ""

    async def current(self, world: World) -> dict[str, Any]:
        """Return the live values of the `with:` keys, for inputs that were left out."""
        raise NotImplementedError

    async def look(self, world: World) -> Seen:
        """Read what the step will be planned on."""
        raise NotImplementedError

    def permissions(self, world: World) -> list[Permission]:
        """Return the rights it needs; `world.seen` is set."""
        raise NotImplementedError

    async def refusals(self, world: World) -> list[Report]:
        """Say why not, and the way out; also what should be known before."""
        raise NotImplementedError

    async def preview(self, world: World, *, dry_run: bool) -> list[Hunk]:
        """Return what will change; with `dry_run`, as the API server itself says."""
        raise NotImplementedError

    async def execute(self, world: World) -> Effect:
        """Make one outside change, conditional on what was seen."""
        raise NotImplementedError

    async def observe(self, world: World) -> Observed:
        """Tell whether it took effect; decides what resume does."""
        raise NotImplementedError

    async def verify(self, world: World) -> Report:
        """Look again; trusts nothing it sent."""
        raise NotImplementedError

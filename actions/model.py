"""The values that plans and runs are made of; screens and the CLI show them as they are."""

from enum import StrEnum
from typing import Any

import msgspec

from console.record import Key
from console.resources.runs import Run, RunState, RunStep, StepOutcome

__all__ = [
    "Finding",
    "Hunk",
    "Level",
    "Plan",
    "PlannedStep",
    "Run",
    "RunState",
    "RunStep",
    "StepOutcome",
]


class Level(StrEnum):
    """What a failed check does: stops the plan, or is shown."""

    BLOCK = "block"
    WARN = "warn"


class Finding(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What one check found; `ok` is None when it could not be told."""

    check: str
    ok: bool | None
    message: str
    remedy: str = ""
    level: Level = Level.BLOCK

    @property
    def refuses(self) -> bool:
        """Tell whether the plan may not be run; what cannot be told refuses like a no."""
        return self.level is Level.BLOCK and self.ok is not True


class Hunk(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One field that will change."""

    object: str
    """kind/name, as in horizontalpodautoscaler/ai-shifu-api."""
    cluster: str
    namespace: str
    field: str
    before: Any
    after: Any


class PlannedStep(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A step with its values filled in and what it will change."""

    id: str
    title: str
    uses: str
    values: dict[str, Any]
    hunks: tuple[Hunk, ...] = ()
    undo: dict[str, Any] | None = None
    timeout_seconds: float = 60.0
    seen: dict[str, Any] = {}
    """What the step found when it was planned; it acts only while that still holds."""


class Plan(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Everything a run will do, frozen; nothing was written to make it."""

    id: str
    action: str
    version: int
    title: str
    risk: str
    target: Key
    inputs: dict[str, Any]
    actor: str
    made_at: float
    manifest_hash: str
    findings: tuple[Finding, ...]
    steps: tuple[PlannedStep, ...]
    observed: dict[str, Any]
    """What the plan was made on; its hash is the fingerprint."""
    fingerprint: str
    names: dict[str, Any] = {}
    """What `${{ }}` sees, frozen: inputs, target, let, run, fleet."""
    confirm: str = ""
    """What a person has to type."""
    locks: tuple[str, ...] = ()
    manifest: str = ""
    """The manifest's own text, so that a resume needs no file."""
    production: bool = False
    place: str = ""
    """Cluster, account and region in words: every plan prints where it acts."""

    @property
    def refusals(self) -> tuple[Finding, ...]:
        """Return what stands against running it."""
        return tuple(finding for finding in self.findings if finding.refuses)

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """Return what should be known before running it."""
        return tuple(
            finding
            for finding in self.findings
            if finding.level is Level.WARN and finding.ok is not True
        )

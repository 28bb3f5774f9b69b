"""A desk that plans and runs without a cluster, for the screens that ask one."""

import asyncio
from typing import Any

import msgspec

from actions.model import (
    Finding,
    Hunk,
    Level,
    Plan,
    PlannedStep,
    Run,
    RunState,
    RunStep,
    StepOutcome,
)
from actions.schema import InputSpec, InputType
from console.errors import ConsoleError, NotFoundError
from console.record import Key

NOW = 1_764_000_000.0
ACME = Key("usw2", "tenant", "tenant-acme", "acme")


class FakeManifest(msgspec.Struct, frozen=True, kw_only=True):
    name: str = "scale-tenant"
    title: str = "Change a tenant's autoscaler bounds"
    risk: str = "change"
    target: str = "tenant"
    inputs: dict[str, InputSpec]


MANIFEST = FakeManifest(
    inputs={
        "component": InputSpec(
            type=InputType.ENUM,
            choices=("api", "web", "cook-web"),
            default="api",
            help="Which part of the tenant",
        ),
        "min": InputSpec(type=InputType.INT, min=1, max=100, help="Lower bound; as now if empty"),
        "max": InputSpec(type=InputType.INT, min=1, max=100, help="Upper bound; as now if empty"),
        "reason": InputSpec(
            type=InputType.STRING, required=True, max=200, help="Why; kept with the run"
        ),
    }
)

PASSED = Finding(check="hpa.exists", ok=True, message="ai-shifu-api exists")
ROOM = Finding(
    check="nodes.room",
    ok=False,
    level=Level.WARN,
    message="room for 4 more pods of 500m, 6 may be asked for",
    remedy="raise the node group's maximum first",
)
GITOPS = Finding(
    check="gitops.keeps",
    ok=False,
    message="Argo CD would put spec.maxReplicas back within minutes",
    remedy="add /spec/maxReplicas to ignoreDifferences of the ApplicationSet",
)


def plan(*findings: Finding, **changes: Any) -> Plan:
    hunk = Hunk(
        object="horizontalpodautoscaler/ai-shifu-api",
        cluster="usw2",
        namespace="tenant-acme",
        field="spec.maxReplicas",
        before=6,
        after=12,
    )
    step = PlannedStep(
        id="bounds",
        title="Set the bounds of the autoscaler",
        uses="hpa.bounds",
        values={"max": 12},
        hunks=(hunk,),
        undo={"uses": "hpa.bounds"},
    )
    made = Plan(
        id="plan-7f3a",
        action="scale-tenant",
        version=1,
        title="Change a tenant's autoscaler bounds",
        risk="change",
        target=ACME,
        inputs={"component": "api", "min": None, "max": 12, "reason": "exam week"},
        actor="sre@example",
        made_at=NOW,
        manifest_hash="00",
        findings=findings or (PASSED, ROOM),
        steps=(step,),
        observed={},
        fingerprint="ab12",
        confirm="acme",
        locks=("tenant-acme",),
        production=True,
        place="usw2, account 123456789012, us-west-2",
    )
    return msgspec.structs.replace(made, **changes)


def run(number: int = 1, state: RunState = RunState.RUNNING, **changes: Any) -> Run:
    over = state.is_over
    steps = (
        RunStep(
            id="bounds",
            title="Set the bounds of the autoscaler",
            outcome=StepOutcome.DONE,
            detail="max 6 to 12",
            attempts=1,
            started_at=NOW - 40,
            ended_at=NOW - 39,
        ),
        RunStep(
            id="verify-0",
            title="hpa.follows",
            outcome=StepOutcome.DONE if over else StepOutcome.RUNNING,
            detail="8 of 12 replicas",
            attempts=3,
            started_at=NOW - 39,
            ended_at=NOW - 5 if over else None,
        ),
        RunStep(id="verify-1", title="workload.ready"),
    )
    made = Run(
        key=Key("usw2", "run", "tenant-acme", f"run-{number:04}"),
        plan_id="plan-7f3a",
        action="scale-tenant",
        title="Change a tenant's autoscaler bounds",
        target_name="acme",
        state=state,
        steps=steps,
        actor="sre@example",
        host="laptop",
        started_at=NOW - 41 * number,
        ended_at=NOW - 5 if over else None,
        heartbeat_at=NOW,
        reason="exam week",
        outputs={"before": "2..6", "after": "2..12"} if over else {},
    )
    return msgspec.structs.replace(made, **changes)


class FakeDesk:
    """Keeps what it was asked; answers with what it was given."""

    def __init__(self, planned: Plan | ConsoleError | None = None, *runs: Run) -> None:
        self.planned = planned or plan()
        self.known = {each.id: each for each in runs}
        self.asked: list[tuple[str, Any, dict[str, Any]]] = []
        self.typed: list[str] = []
        self.cancelled: list[str] = []
        self.resumed: list[str] = []
        self.run_error: ConsoleError | None = None
        self.gate = asyncio.Event()
        self.gate.set()

    def catalogue(self) -> list[FakeManifest]:
        return [MANIFEST]

    async def plan(self, action: str, target: Key | str, inputs: dict[str, Any]) -> Plan:
        self.asked.append((action, target, inputs))
        await self.gate.wait()
        if isinstance(self.planned, ConsoleError):
            raise self.planned
        return self.planned

    async def run(self, planned: Plan, *, typed: str) -> str:
        del planned
        self.typed.append(typed)
        if self.run_error is not None:
            raise self.run_error
        made = run(1)
        self.known[made.id] = made
        return made.id

    def cancel(self, run_id: str) -> None:
        self.cancelled.append(run_id)

    async def resume(self, run_id: str) -> str:
        self.resumed.append(run_id)
        self.known[run_id] = msgspec.structs.replace(self.known[run_id], state=RunState.RUNNING)
        return run_id

    def runs(self) -> list[Run]:
        return list(self.known.values())

    def show(self, run_id: str) -> Run:
        if run_id not in self.known:
            raise NotFoundError(f"no run is called {run_id}", remedy="see runs list")
        return self.known[run_id]

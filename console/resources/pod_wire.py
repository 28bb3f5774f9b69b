"""A pod's JSON, and what is read from it at once: its status as kubectl says it, its requests."""

import msgspec

from console.resources.wire import Meta, OwnerReference, Wire, WireCondition, milli


class PodMeta(Meta, frozen=True):
    """A pod's metadata."""

    owner_references: list[OwnerReference] | None = None
    finalizers: list[str] | None = None


class Amounts(Wire, frozen=True):
    """Quantities of the resources that records keep."""

    cpu: str | int | float | None = None
    memory: str | int | float | None = None


class Resources(Wire, frozen=True):
    """What a container asks for."""

    requests: Amounts | None = None


class Container(Wire, frozen=True):
    """A container of the spec."""

    resources: Resources | None = None
    restart_policy: str | None = None
    """`Always` makes an init container a sidecar."""


class Gate(Wire, frozen=True):
    """A scheduling gate."""

    name: str = ""


class PodSpec(Wire, frozen=True):
    """A pod's spec."""

    node_name: str | None = None
    containers: list[Container] | None = None
    init_containers: list[Container] | None = None
    overhead: Amounts | None = None
    resources: Resources | None = None


class Waiting(Wire, frozen=True):
    """A container that has not started."""

    reason: str | None = None
    message: str | None = None


class Terminated(Wire, frozen=True):
    """A container that has ended."""

    exit_code: int | None = None
    signal: int | None = None
    reason: str | None = None
    message: str | None = None
    finished_at: str | None = None


class Running(Wire, frozen=True):
    """A container that runs."""


class ContainerState(Wire, frozen=True):
    """One of waiting, running, terminated."""

    waiting: Waiting | None = None
    running: Running | None = None
    terminated: Terminated | None = None


class ContainerStatus(Wire, frozen=True):
    """How a container fares."""

    ready: bool | None = None
    started: bool | None = None
    restart_count: int | None = None
    state: ContainerState | None = None
    last_state: ContainerState | None = None


class PodStatus(Wire, frozen=True):
    """A pod's status."""

    phase: str | None = None
    reason: str | None = None
    message: str | None = None
    conditions: list[WireCondition] | None = None
    container_statuses: list[ContainerStatus] | None = None
    init_container_statuses: list[ContainerStatus] | None = None
    pod_ip: str | None = msgspec.field(default=None, name="podIP")


_NO_META = PodMeta()
_NO_SPEC = PodSpec()
_NO_STATUS = PodStatus()


class PodWire(Wire, frozen=True):
    """A pod as the API server writes it."""

    metadata: PodMeta = _NO_META
    spec: PodSpec = _NO_SPEC
    status: PodStatus = _NO_STATUS


class Shown(msgspec.Struct, gc=False):
    """What kubectl's columns say of a pod."""

    status: str
    detail: str = ""
    ready: int = 0
    restarts: int = 0
    initializing: bool = False


def shown(pod: PodWire) -> Shown:
    """Work out STATUS, READY and RESTARTS by kubectl's own rules, so that rows agree with it."""
    status = pod.status
    found = Shown(status.reason or status.phase or "Unknown", status.message or "")
    for condition in status.conditions or ():
        if condition.type == "PodScheduled" and condition.status == "False":
            if condition.reason == "SchedulingGated":
                found.status = "SchedulingGated"
            found.detail = found.detail or condition.message or ""
    sidecar_restarts = _show_init(pod, found) if status.init_container_statuses else 0
    if not found.initializing or _initialized(status):
        found.restarts = sidecar_restarts
        _show_containers(status, found)
    if pod.metadata.deletion_timestamp:
        if status.reason == "NodeLost":
            found.status = "Unknown"
        elif status.phase not in ("Succeeded", "Failed"):
            found.status = "Terminating"
    return found


def _initialized(status: PodStatus) -> bool:
    return any(
        condition.type == "Initialized" and condition.status == "True"
        for condition in status.conditions or ()
    )


def _is_sidecar(pod: PodWire, position: int) -> bool:
    containers = pod.spec.init_containers or ()
    return position < len(containers) and containers[position].restart_policy == "Always"


def _show_init(pod: PodWire, found: Shown) -> int:
    """Show init containers up to the one that holds the pod up; return sidecars' restarts."""
    sidecar_restarts = 0
    total = len(pod.spec.init_containers or ())
    for position, container in enumerate(pod.status.init_container_statuses or ()):
        state = container.state or _NO_STATE
        sidecar = _is_sidecar(pod, position)
        found.restarts += container.restart_count or 0
        if sidecar:
            sidecar_restarts += container.restart_count or 0
        if state.terminated is not None and state.terminated.exit_code == 0:
            continue
        if sidecar and container.started:
            found.ready += container.ready is True
            continue
        found.initializing = True
        if state.terminated is not None:
            found.status = f"Init:{_ended(state.terminated)}"
            found.detail = state.terminated.message or ""
        elif state.waiting and state.waiting.reason not in (None, "", "PodInitializing"):
            found.status = f"Init:{state.waiting.reason}"
            found.detail = state.waiting.message or ""
        else:
            found.status = f"Init:{position}/{total}"
        break
    return sidecar_restarts


def _show_containers(status: PodStatus, found: Shown) -> None:
    running = False
    for container in reversed(status.container_statuses or ()):
        found.restarts += container.restart_count or 0
        state = container.state
        if state is None:
            continue
        if state.waiting is not None and state.waiting.reason:
            found.status = state.waiting.reason
            found.detail = state.waiting.message or found.detail
        elif state.terminated is not None:
            found.status = _ended(state.terminated)
            found.detail = state.terminated.message or found.detail
        elif container.ready and state.running is not None:
            running = True
            found.ready += 1
    if found.status == "Completed" and running:
        ready = any(one.type == "Ready" and one.status == "True" for one in status.conditions or ())
        found.status = "Running" if ready else "NotReady"


def _ended(end: Terminated) -> str:
    if end.reason:
        return end.reason
    return f"Signal:{end.signal}" if end.signal else f"ExitCode:{end.exit_code}"


_NO_STATE = ContainerState()


def last_end(status: PodStatus) -> Terminated | None:
    """Return how a container last failed, before it was restarted or for good."""
    ends: list[Terminated] = []
    for containers in (status.init_container_statuses, status.container_statuses):
        for container in containers or ():
            if container.last_state is not None and container.last_state.terminated is not None:
                ends.append(container.last_state.terminated)
            now = container.state.terminated if container.state is not None else None
            if now is not None and now.exit_code:
                ends.append(now)
    return max(ends, key=lambda end: end.finished_at or "", default=None)


def requests(spec: PodSpec) -> tuple[int, int]:
    """Return the effective request in thousandths of a processor and in bytes.

    The larger of what runs together (containers and sidecars) and what runs before (each init
    container with the sidecars started so far), plus overhead; the pod's own level overrides.
    """
    cpu = memory = 0
    for container in spec.containers or ():
        if container.resources is not None and container.resources.requests is not None:
            asked = container.resources.requests
            cpu += milli(asked.cpu) or 0
            memory += milli(asked.memory) or 0
    if spec.init_containers:
        cpu = _with_init(cpu, [(one, _asked(one).cpu) for one in spec.init_containers])
        memory = _with_init(memory, [(one, _asked(one).memory) for one in spec.init_containers])
    own = (spec.resources.requests if spec.resources else None) or _NOTHING
    cpu = cpu if own.cpu is None else milli(own.cpu) or 0
    memory = memory if own.memory is None else milli(own.memory) or 0
    if spec.overhead is not None:
        cpu += milli(spec.overhead.cpu) or 0
        memory += milli(spec.overhead.memory) or 0
    return cpu, -(-memory // 1000)


_NOTHING = Amounts()


def _asked(container: Container) -> Amounts:
    return (container.resources.requests if container.resources else None) or _NOTHING


def _with_init(together: int, init: list[tuple[Container, str | int | float | None]]) -> int:
    sidecars = peak = 0
    for container, amount in init:
        asked = milli(amount) or 0
        if container.restart_policy == "Always":
            sidecars += asked
            peak = max(peak, sidecars)
        else:
            peak = max(peak, sidecars + asked)
    return max(together + sidecars, peak)

"""Records that more than one kind reads; kinds do not import each other, they meet here."""

import msgspec

from console.record import Record


class Condition(msgspec.Struct, frozen=True, rename="camel"):
    """A condition as its controller wrote it; `since` moves only when `status` flips."""

    type: str
    status: str
    reason: str = ""
    message: str = ""
    since: float | None = None


def condition(found: tuple[Condition, ...], kind: str) -> Condition | None:
    """Return the condition of one type."""
    return next((one for one in found if one.type == kind), None)


def holds(found: tuple[Condition, ...], kind: str, status: str = "True") -> bool:
    """Tell whether a condition is present with this status."""
    one = condition(found, kind)
    return one is not None and one.status == status


class Workload(Record, frozen=True, kw_only=True):
    """A Deployment or a StatefulSet: pods wanted and pods there.

    The API server leaves out counts that are zero, so once the controller has reported
    (`observed_generation`) an absent count is 0; before that it is None.
    """

    replicas: int | None = None
    """Wanted, `spec.replicas`."""
    current: int | None = None
    """Existing, `status.replicas`."""
    updated: int | None = None
    ready: int | None = None
    available: int | None = None
    generation: int | None = None
    observed_generation: int | None = None
    conditions: tuple[Condition, ...] = ()
    images: tuple[str, ...] = ()
    deleting_at: float | None = None
    short_since: float | None = None
    """When fewer than 80 % of the wanted pods became ready; None without history."""
    set_by: str = ""
    """The field manager that last set `spec.replicas` and is not the cluster's own controller."""
    set_at: float | None = None

    @property
    def is_short(self) -> bool:
        """Tell whether fewer than 80 % of the wanted pods are ready."""
        if self.replicas is None or self.ready is None:
            return False
        return self.ready < 0.8 * self.replicas


class Pod(Record, frozen=True, kw_only=True, gc=False):
    """A pod; slim, for there are many."""

    phase: str = ""
    status: str = ""
    """What kubectl's STATUS column says."""
    detail: str = ""
    """The message behind a status that is not plain."""
    ready: int = 0
    containers: int = 0
    restarts: int = 0
    is_ready: bool | None = None
    """Its Ready condition; None when it has none."""
    since: float | None = None
    """When its Ready condition last flipped."""
    node: str = ""
    owner_kind: str = ""
    owner_name: str = ""
    """The workload: a ReplicaSet's Deployment when its name tells it."""
    revision: str = ""
    """The revision or template hash it was made from."""
    last_exit: str = ""
    """Why a container of it last ended, as OOMKilled (137)."""
    last_exit_at: float | None = None
    scheduled: bool | None = None
    """False while no node was found for it; None when nobody tried."""
    deleting_at: float | None = None
    """The end of its grace period."""
    finalizers: bool = False
    cpu_milli: int = 0
    """Effective request."""
    memory_bytes: int = 0
    ip: str = ""

    @property
    def is_over(self) -> bool:
        """Tell whether it takes no room on its node any more."""
        return self.phase in ("Succeeded", "Failed")


class Node(Record, frozen=True, kw_only=True):
    """A node."""

    group: str = ""
    """Its node group, as its labels tell; empty when they do not."""
    group_kind: str = ""
    zone: str = ""
    instance_type: str = ""
    capacity_type: str = ""
    """on-demand, spot or reserved; empty when the labels do not say."""
    kubelet: str = ""
    conditions: tuple[Condition, ...] = ()
    unschedulable: bool = False
    taints: tuple[str, ...] = ()
    """key=value:effect."""
    drain: str = ""
    """The run that drains it, from our annotation."""
    cpu_milli: int | None = None
    """Allocatable."""
    memory_bytes: int | None = None
    pod_slots: int | None = None
    provider_id: str = ""
    address: str = ""

    @property
    def is_ready(self) -> bool:
        """Tell whether its kubelet says Ready."""
        return holds(self.conditions, "Ready")


class Dimension(msgspec.Struct, frozen=True, rename="camel"):
    """One resource of a quota, in thousandths for comparing and as written for showing."""

    name: str
    used: str
    hard: str
    used_milli: int | None
    hard_milli: int | None

    @property
    def share(self) -> float | None:
        """Return used/hard; None when unknown or when nothing is allowed at all."""
        if self.used_milli is None or not self.hard_milli:
            return None
        return self.used_milli / self.hard_milli


class Quota(Record, frozen=True, kw_only=True):
    """A ResourceQuota: what is used of what is allowed."""

    dimensions: tuple[Dimension, ...] = ()
    scopes: tuple[str, ...] = ()

    @property
    def tightest(self) -> Dimension | None:
        """Return the dimension with the largest share used."""
        known = [one for one in self.dimensions if one.share is not None]
        return max(known, key=lambda one: one.share or 0.0, default=None)


class Event(Record, frozen=True, kw_only=True):
    """An event as the cluster reports it: something happened to something."""

    type: str = ""
    """Normal or Warning."""
    reason: str = msgspec.field(default="", name="eventReason")
    message: str = ""
    about_kind: str = ""
    about_namespace: str = ""
    about_name: str = ""
    count: int = 1
    first_at: float | None = None
    last_at: float | None = None
    reporter: str = ""

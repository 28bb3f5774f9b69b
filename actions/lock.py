"""Target locks: Leases in the fleet's own namespace, judged by what our own clock saw.

A holder's clock is never compared with ours: a Lease has expired only when we have watched it
stay unchanged for its whole duration.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from actions.owner import Owner, holder_is_dead
from actions.world import Gateway, ObjectRef
from console.clock import Clock, parse_time
from console.errors import ConflictError, ForbiddenError, LinkError, LockedError, NotFoundError

NAMESPACE = "shifu-ops"
DURATION = 60.0
RENEW_EVERY = 10.0
RENEW_DEADLINE = 40.0
"""Seconds after the last renewal from which we no longer act, well before others may steal."""
_API = "coordination.k8s.io/v1"
_POLL = 2.0
_PREFIX = "ai-shifu.io/"


def lease_name(key: str) -> str:
    """Return the Lease's name for a lock key: tenant/acme is tenant-acme."""
    return re.sub(r"[^a-z0-9.-]+", "-", key.lower()).strip("-.")[:253]


def lease_ref(key: str) -> ObjectRef:
    """Name the Lease of a lock key."""
    return ObjectRef(api=_API, plural="leases", namespace=NAMESPACE, name=lease_name(key))


class Lock:
    """One lock, held or not."""

    def __init__(
        self,
        gateway: Gateway,
        key: str,
        owner: Owner,
        clock: Clock,
        *,
        notes: Mapping[str, str],
        place: str = "",
    ) -> None:
        self.key = key
        self.step = ""
        self._gateway = gateway
        self._owner = owner
        self._clock = clock
        self._notes = dict(notes)
        self._place = place
        self._lease: dict[str, Any] = {}
        self._renewed = 0.0
        self._renewed_wall = 0.0

    @property
    def is_valid(self) -> bool:
        """Tell whether we may still act under it; a machine that slept finds it gone."""
        if not self._lease:
            return False
        awake = self._clock.monotonic() - self._renewed
        passed = self._clock.now() - self._renewed_wall
        return max(awake, passed) < RENEW_DEADLINE

    async def acquire(self) -> None:
        """Take the lock; waits only for a holder that gives no sign of life.

        Raises:
            LockedError: somebody holds it.
            LinkError: the cluster that keeps it did not answer.

        """
        ref = lease_ref(self.key)
        try:
            lease = await self._gateway.get(ref)
        except NotFoundError:
            await self._create(ref)
            return
        if not _is_free(lease) and _holder(lease) != self._owner.identity:
            lease = await self._outwait(ref, lease)
        spec = lease.get("spec", {})
        stolen = _holder(lease) not in ("", self._owner.identity)
        transitions = int(spec.get("leaseTransitions") or 0) + 1
        try:
            await self._put(ref, lease, transitions=transitions, acquired=True)
        except ConflictError as lost:
            raise await self._locked(ref) from lost
        self._notes |= {"taken-from": _holder(lease)} if stolen else {}

    async def renew(self) -> None:
        """Give a sign of life.

        Raises:
            LockedError: somebody else holds it now.

        """
        ref = lease_ref(self.key)
        try:
            await self._put(ref, self._lease)
        except ConflictError:
            lease = await self._gateway.get(ref)
            if _holder(lease) != self._owner.identity:
                self._lease = {}
                raise locked(self.key, lease, self._clock.now()) from None
            await self._put(ref, lease)

    async def release(self) -> None:
        """Let others have it; a failure only means that they wait for its expiry."""
        lease, self._lease = self._lease, {}
        if not lease:
            return
        spec = lease["spec"] | {"holderIdentity": "", "leaseDurationSeconds": 1}
        try:
            await self._gateway.replace(lease_ref(self.key), {**lease, "spec": spec})
        except LinkError:
            return

    async def _create(self, ref: ObjectRef) -> None:
        metadata = {"name": ref.name, "namespace": NAMESPACE, "annotations": self._annotations()}
        body = {"apiVersion": _API, "kind": "Lease", "metadata": metadata}
        asked = self._clock.monotonic(), self._clock.now()
        spec = self._spec(transitions=0, acquired=_micro(self._clock.now()))
        try:
            self._lease = await self._gateway.create(ref, {**body, "spec": spec})
        except ConflictError as lost:
            raise await self._locked(ref) from lost
        except NotFoundError as absent:
            raise no_namespace(self._place) from absent
        self._renewed, self._renewed_wall = asked

    async def _put(
        self,
        ref: ObjectRef,
        lease: Mapping[str, Any],
        *,
        transitions: int | None = None,
        acquired: bool = False,
    ) -> None:
        before = lease.get("spec", {})
        now = _micro(self._clock.now())
        count = int(before.get("leaseTransitions") or 0) if transitions is None else transitions
        spec = self._spec(transitions=count, acquired=now if acquired else before["acquireTime"])
        annotations = (lease["metadata"].get("annotations") or {}) | self._annotations()
        metadata = lease["metadata"] | {"annotations": annotations}
        # Counted from before the call: the holder must never think that it has more time than
        # those who watch.
        asked = self._clock.monotonic(), self._clock.now()
        self._lease = await self._gateway.replace(
            ref, {**lease, "metadata": metadata, "spec": spec}
        )
        self._renewed, self._renewed_wall = asked

    def _spec(self, *, transitions: int, acquired: str) -> dict[str, Any]:
        return {
            "holderIdentity": self._owner.identity,
            "leaseDurationSeconds": int(DURATION),
            "acquireTime": acquired,
            "renewTime": _micro(self._clock.now()),
            "leaseTransitions": transitions,
        }

    def _annotations(self) -> dict[str, str]:
        return {
            f"{_PREFIX}{name}": text for name, text in (self._notes | {"step": self.step}).items()
        }

    async def _outwait(self, ref: ObjectRef, lease: dict[str, Any]) -> dict[str, Any]:
        """Watch a silent holder for a whole duration; raise as soon as it gives a sign of life."""
        if holder_is_dead(_holder(lease)):
            return lease
        spec = lease.get("spec", {})
        duration = float(spec.get("leaseDurationSeconds") or DURATION)
        renewed = parse_time(spec.get("renewTime"))
        if renewed is not None and self._clock.now() - renewed < duration:
            raise locked(self.key, lease, self._clock.now())
        first_seen = self._clock.monotonic()
        version = lease["metadata"]["resourceVersion"]
        while self._clock.monotonic() - first_seen < duration:
            await self._clock.sleep(_POLL)
            lease = await self._gateway.get(ref)
            if _is_free(lease):
                return lease
            if lease["metadata"]["resourceVersion"] != version:
                raise locked(self.key, lease, self._clock.now())
        return lease

    async def _locked(self, ref: ObjectRef) -> LockedError:
        return locked(self.key, await self._gateway.get(ref), self._clock.now())


async def holder_of(gateway: Gateway, key: str, now: float) -> str:
    """Say who holds a lock, in words; empty when it is free."""
    try:
        lease = await gateway.get(lease_ref(key))
    except NotFoundError:
        return ""
    if _is_free(lease) or holder_is_dead(_holder(lease)):
        return ""
    return locked(key, lease, now).message


async def namespace_exists(gateway: Gateway) -> bool | None:
    """Tell whether the locks' namespace is there; None when we may not know."""
    ref = ObjectRef(api="v1", plural="namespaces", namespace="", name=NAMESPACE)
    try:
        await gateway.get(ref)
    except NotFoundError:
        return False
    except ForbiddenError:
        return None
    return True


def no_namespace(place: str) -> NotFoundError:
    """Make the refusal of a lock that has nowhere to be."""
    return NotFoundError(
        f"{place}: the namespace {NAMESPACE} that keeps the locks is not there",
        remedy=f"kubectl --context {place} create namespace {NAMESPACE}",
        status=404,
    )


def locked(key: str, lease: Mapping[str, Any], now: float) -> LockedError:
    """Name who holds a lock, since when, and at which step."""
    spec = lease.get("spec", {})
    notes = lease.get("metadata", {}).get("annotations") or {}
    holder = _holder(lease).split("/")[0] or "somebody"
    doing = " ".join(
        text for text in (notes.get(f"{_PREFIX}action", ""), notes.get(f"{_PREFIX}run", "")) if text
    )
    step = notes.get(f"{_PREFIX}step", "")
    renewed = parse_time(spec.get("renewTime"))
    silence = f"; last sign of life {int(now - renewed)} s ago by its clock" if renewed else ""
    message = f"{key} is held by {holder} since {spec.get('acquireTime', '?')}"
    message += f" ({doing}{', step ' + step if step else ''}{silence})"
    return LockedError(message, remedy="wait for it, or ask its holder")


def _holder(lease: Mapping[str, Any]) -> str:
    return str(lease.get("spec", {}).get("holderIdentity") or "")


def _is_free(lease: Mapping[str, Any]) -> bool:
    return not _holder(lease)


def _micro(moment: float) -> str:
    text = datetime.fromtimestamp(moment, UTC).isoformat(timespec="microseconds")
    return text.replace("+00:00", "Z")

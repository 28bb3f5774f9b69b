"""How much the workloads are used: waves that the seed sets, or an annotation on the pods."""

import math

import msgspec

from console.sandbox.objects import Obj, dig, quantity

USAGE = "kwok.x-k8s.io/usage-cpu"
"""The annotation by which the real test fleet sets a pod's load, too."""


class Wave(msgspec.Struct, frozen=True):
    """Use in cores, swinging around a base."""

    base: float
    swing: float = 0.0
    period_seconds: float = 900.0
    phase: float = 0.0

    def at(self, seconds: float) -> float:
        """Tell the use at a moment."""
        turn = math.sin(2 * math.pi * (seconds / self.period_seconds + self.phase))
        return max(0.0, self.base + self.swing * turn)


class Loads:
    """The load of each workload of a cluster."""

    def __init__(self) -> None:
        self.waves: dict[tuple[str, str], Wave] = {}

    def __call__(self, target: Obj, seconds: float) -> float | None:
        """Tell what a workload's pods use together, in cores; None when nobody knows."""
        meta = target["metadata"]
        each = dig(target, "spec", "template", "metadata", "annotations", USAGE)
        if each is not None:
            return float(quantity(each)) * (dig(target, "status", "readyReplicas") or 0)
        wave = self.waves.get((meta["namespace"], meta["name"]))
        return wave.at(seconds) if wave else None

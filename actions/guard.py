"""Standing rules that refuse runs: read-only clusters, protected tenants, freezes."""

from collections.abc import Iterator
from fnmatch import fnmatchcase

from actions.model import Finding
from actions.targets import Target
from console.clock import format_time
from console.fleet import Fleet


def standing_refusals(fleet: Fleet, target: Target, now: float) -> Iterator[Finding]:
    """Yield what the settings say against acting on a target now."""
    alias = target.cluster.alias
    if reason := fleet.read_only_reason(alias):
        yield Finding(
            check="read-only",
            ok=False,
            message=f"{alias}: nothing is written: {reason}",
            remedy="switch to WRITE mode, or ask whoever closed it",
        )
    guards = fleet.inventory.settings.guards
    name = target.record.key.name
    if any(fnmatchcase(name, pattern) for pattern in guards.protected_tenants):
        yield Finding(
            check="protected",
            ok=False,
            message=f"{name} is protected: no action may target it",
            remedy="take it out of guards.protectedTenants in fleet.yaml",
        )
    names = (alias, target.cluster.context)
    for freeze in guards.freezes:
        concerns = not freeze.clusters or any(
            fnmatchcase(own, pattern) for own in names for pattern in freeze.clusters
        )
        if concerns and freeze.start.timestamp() <= now < freeze.end.timestamp():
            until = format_time(freeze.end.timestamp())
            yield Finding(
                check="freeze",
                ok=False,
                message=f"frozen until {until}: {freeze.reason}",
                remedy="wait, or end the freeze in fleet.yaml",
            )

"""Whether Argo CD would take the change back."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from actions.checks.base import Check
from actions.workloads import component_hpa, name_of
from actions.world import MANAGER, ObjectRef, Report, World
from console.errors import LinkError, NotFoundError

_API = "argoproj.io/v1alpha1"
_TRACKING = "argocd.argoproj.io/tracking-id"
_INSTANCE = "app.kubernetes.io/instance"
_RESPECT = "RespectIgnoreDifferences=true"
_NO_MARK = "no Application owns it"


class GitopsKeeps(Check, frozen=True, kw_only=True):
    """Finds the Application that owns the object, and whether it leaves the fields alone."""

    NAME: ClassVar[str] = "gitops.keeps"

    kind: str
    fields: tuple[str, ...]
    component: str = "api"

    async def judge(self, world: World) -> Report:
        live = await component_hpa(world, self.component)
        if world.management is None:
            return self._without_management(live)
        try:
            application = await self._owner(world, live)
        except LinkError as error:
            message = f"{world.management}: Argo CD's Applications cannot be read: {error.message}"
            return Report(ok=None, message=message, remedy=error.remedy or "try again later")
        if application is None:
            if _marked(live):
                message = f"{name_of(live)} bears Argo CD's mark, but its Application is not there"
                return Report(ok=None, message=message, remedy="find out which Argo CD owns it")
            return Report(ok=True, message=_NO_MARK, seen={"application": ""})
        return self._judge(application)

    def _without_management(self, live: Mapping[str, Any]) -> Report:
        if _marked(live):
            message = f"{name_of(live)} is managed by an Argo CD that cannot be reached"
            remedy = "name the management cluster in fleet.yaml, or add its context"
            return Report(ok=None, message=message, remedy=remedy)
        message = "no management cluster is known, and nothing marks the object as Argo CD's"
        return Report(ok=True, message=message, seen={"application": ""})

    async def _owner(self, world: World, live: Mapping[str, Any]) -> dict[str, Any] | None:
        gateway = world.open(world.management or "")
        for namespace, name in _tracked(live):
            ref = ObjectRef(api=_API, plural="applications", namespace=namespace, name=name)
            try:
                application = await gateway.get(ref)
            except NotFoundError:
                continue
            if self._is_destination(application, world):
                return application
        bid = str(world.target.get("bid", ""))
        found = await gateway.list(_API, "applications", "", f"ai-shifu.io/tenant={bid}")
        owner = self._of(found, live, world)
        if owner is None:
            owner = self._of(await gateway.list(_API, "applications"), live, world)
        return owner

    def _of(
        self, found: list[dict[str, Any]], live: Mapping[str, Any], world: World
    ) -> dict[str, Any] | None:
        here = [entry for entry in found if self._is_destination(entry, world)]
        listed = [entry for entry in here if self._lists(entry, live)]
        if listed:
            return listed[0]
        silent = [entry for entry in here if not entry.get("status", {}).get("resources")]
        return silent[0] if silent else None

    def _is_destination(self, application: Mapping[str, Any], world: World) -> bool:
        spec = application.get("spec", {})
        destination = spec.get("destination") or {}
        place = destination.get("name") or destination.get("server") or ""
        if place.rstrip("/") not in world.places:
            return False
        if destination.get("namespace") == world.namespace:
            return True
        resources = application.get("status", {}).get("resources") or ()
        return any(entry.get("namespace") == world.namespace for entry in resources)

    def _lists(self, application: Mapping[str, Any], live: Mapping[str, Any]) -> bool:
        wanted = (self.kind, name_of(live), live["metadata"].get("namespace"))
        return any(
            (entry.get("kind"), entry.get("name"), entry.get("namespace")) == wanted
            for entry in application.get("status", {}).get("resources") or ()
        )

    def _judge(self, application: Mapping[str, Any]) -> Report:
        spec = application.get("spec", {})
        name = name_of(application)
        policy = spec.get("syncPolicy") or {}
        automated = policy.get("automated") or {}
        heals = bool(automated.get("selfHeal")) and automated.get("enabled", True) is not False
        ignored = set(self._ignored(spec))
        respects = _RESPECT in (policy.get("syncOptions") or ())
        seen = {
            "application": name,
            "heals": heals,
            "ignored": sorted(ignored & set(self.fields)),
            "respects": respects,
        }
        kept = ignored >= set(self.fields) and respects
        if kept:
            message = f"Argo CD leaves {', '.join(self.fields)} alone (Application {name})"
            return Report(ok=True, message=message, seen=seen)
        if not heals:
            message = f"Application {name} does not heal itself: the next sync sets the old values"
            return Report(ok=True, message=message, seen=seen)
        pointers = ", ".join(f"/{field.replace('.', '/')}" for field in self.fields)
        return Report(
            ok=False,
            message=(
                f"Application {name} heals itself: Argo CD would set "
                f"{', '.join(self.fields)} back within seconds"
            ),
            remedy=(
                "change the values in git, or let the Application ignore "
                f"{pointers} with {_RESPECT}"
            ),
            seen=seen,
        )

    def _ignored(self, spec: Mapping[str, Any]) -> Iterator[str]:
        for rule in spec.get("ignoreDifferences") or ():
            if rule.get("kind") not in (self.kind, "*"):
                continue
            if MANAGER in (rule.get("managedFieldsManagers") or ()):
                yield from self.fields
            for pointer in rule.get("jsonPointers") or ():
                yield pointer.strip("/").replace("/", ".")
            for path in rule.get("jqPathExpressions") or ():
                yield path.strip().lstrip(".")


def _tracked(live: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the (namespace, name) of Applications that the object itself names."""
    metadata = live.get("metadata", {})
    tracking = (metadata.get("annotations") or {}).get(_TRACKING, "")
    named = tracking.partition(":")[0] or (metadata.get("labels") or {}).get(_INSTANCE, "")
    if not named:
        return
    namespace, separator, name = named.partition("_")
    yield (namespace, name) if separator else ("argocd", named)


def _marked(live: Mapping[str, Any]) -> bool:
    metadata = live.get("metadata", {})
    managers = [entry.get("manager", "") for entry in metadata.get("managedFields") or ()]
    tracked = _TRACKING in (metadata.get("annotations") or {})
    return tracked or any(manager.startswith("argocd") for manager in managers)

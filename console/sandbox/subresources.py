"""The subresources with a shape of their own: scale and eviction."""

from typing import Any

from console.sandbox import disruption
from console.sandbox.kinds import POD, Kind
from console.sandbox.objects import Obj, dig
from console.sandbox.registry import DeleteOptions, Registry, Writer
from console.sandbox.status import ApiError
from console.sandbox.store import Entry


def scale(found: Entry) -> Obj:
    """Show a workload as its Scale."""
    meta = found.obj["metadata"]
    kept = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
    chosen = dig(found.obj, "spec", "selector", "matchLabels") or {}
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {name: meta[name] for name in kept if name in meta},
        "spec": {"replicas": dig(found.obj, "spec", "replicas") or 0},
        "status": {
            "replicas": dig(found.obj, "status", "replicas") or 0,
            "selector": ",".join(f"{key}={value}" for key, value in sorted(chosen.items())),
        },
    }


def write_scale(registry: Registry, kind: Kind, found: Entry, wanted: Obj, by: Writer) -> Entry:
    """Set a workload's replicas through its Scale."""
    name = found.obj["metadata"]["name"]
    revision = dig(wanted, "metadata", "resourceVersion")
    replicas: Any = dig(wanted, "spec", "replicas")
    if not isinstance(replicas, int) or replicas < 0:
        text = "must be greater than or equal to 0"
        raise ApiError(
            422,
            f'Scale.autoscaling "{name}" is invalid: spec.replicas: Invalid value:'
            f" {replicas}: {text}",
            details={
                "name": name,
                "group": "autoscaling",
                "kind": "Scale",
                "causes": [
                    {"reason": "FieldValueInvalid", "message": text, "field": "spec.replicas"}
                ],
            },
        )

    def edit(obj: Obj) -> None:
        obj["spec"]["replicas"] = replicas
        if revision:
            obj["metadata"]["resourceVersion"] = revision

    return registry.change(kind, found, edit, by, subresource="scale")


def evict(registry: Registry, namespace: str, name: str, body: Obj, by: Writer) -> Obj:
    """Delete a pod if every disruption budget over it allows that."""
    pod = registry.read(POD, namespace, name)
    if dig(body, "metadata", "name") not in (None, name):
        raise ApiError(400, "name in URL does not match name in Eviction object")
    options = body.get("deleteOptions") or {}
    dry = by.dry_run or bool(options.get("dryRun"))
    disruption.check(registry, pod.obj, dry_run=dry)
    conditions = options.get("preconditions") or {}
    registry.delete(
        POD,
        namespace,
        name,
        DeleteOptions(
            grace=options.get("gracePeriodSeconds"),
            uid=conditions.get("uid", ""),
            revision=conditions.get("resourceVersion", ""),
        ),
        Writer(by.manager, dry_run=dry),
    )
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}

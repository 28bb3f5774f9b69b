"""What happens to an object on its way in: defaults, validation, limits, quota."""

from decimal import Decimal
from typing import Any

from console.sandbox.kinds import LIMITS, NAMESPACE, POD, QUOTA, Kind
from console.sandbox.objects import Obj, dig, quantity, written_quantity
from console.sandbox.status import ApiError, forbidden, invalid
from console.sandbox.store import Store

_COMPUTE = ("cpu", "memory", "ephemeral-storage")
_POD_DEFAULTS: Obj = {
    "restartPolicy": "Always",
    "terminationGracePeriodSeconds": 30,
    "dnsPolicy": "ClusterFirst",
    "schedulerName": "default-scheduler",
    "securityContext": {},
    "enableServiceLinks": True,
}
_CONTAINER_DEFAULTS: Obj = {
    "terminationMessagePath": "/dev/termination-log",
    "terminationMessagePolicy": "File",
    "imagePullPolicy": "IfNotPresent",
    "resources": {},
}
_SPEC_DEFAULTS: dict[str, Obj] = {
    "Deployment": {
        "replicas": 1,
        "strategy": {
            "type": "RollingUpdate",
            "rollingUpdate": {"maxUnavailable": "25%", "maxSurge": "25%"},
        },
        "revisionHistoryLimit": 10,
        "progressDeadlineSeconds": 600,
    },
    "ReplicaSet": {"replicas": 1},
    "StatefulSet": {
        "replicas": 1,
        "podManagementPolicy": "OrderedReady",
        "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}},
        "revisionHistoryLimit": 10,
    },
    "DaemonSet": {
        "updateStrategy": {
            "type": "RollingUpdate",
            "rollingUpdate": {"maxUnavailable": 1, "maxSurge": 0},
        },
        "revisionHistoryLimit": 10,
    },
    "HorizontalPodAutoscaler": {"minReplicas": 1},
    "Service": {
        "type": "ClusterIP",
        "sessionAffinity": "None",
        "ipFamilies": ["IPv4"],
        "ipFamilyPolicy": "SingleStack",
        "internalTrafficPolicy": "Cluster",
    },
    "PersistentVolumeClaim": {"volumeMode": "Filesystem"},
    "Namespace": {"finalizers": ["kubernetes"]},
    "Pod": _POD_DEFAULTS,
}
_FIRST_STATUS: dict[str, Obj] = {
    "Namespace": {"phase": "Active"},
    "Pod": {"phase": "Pending"},
    "PersistentVolumeClaim": {"phase": "Pending"},
    "HorizontalPodAutoscaler": {"desiredReplicas": 0, "currentMetrics": None},
    "Deployment": {},
    "ReplicaSet": {"replicas": 0},
    "StatefulSet": {"replicas": 0},
}


def first_status(kind: Kind) -> Obj | None:
    """Give the status a new object starts with."""
    found = _FIRST_STATUS.get(kind.name)
    return dict(found) if found is not None else None


def default(kind: Kind, obj: Obj) -> None:
    """Fill in what the writer left out."""
    if kind.name in _SPEC_DEFAULTS:
        obj["spec"] = {**_SPEC_DEFAULTS[kind.name], **(obj.get("spec") or {})}
    if kind is NAMESPACE:
        own = obj["metadata"].setdefault("labels", {})
        own["kubernetes.io/metadata.name"] = obj["metadata"]["name"]
    if kind is POD:
        _default_containers(obj["spec"])
    elif template := dig(obj, "spec", "template", "spec"):
        obj["spec"]["template"]["spec"] = {**_POD_DEFAULTS, **template}
        _default_containers(obj["spec"]["template"]["spec"])
    if kind.name == "Service":
        _default_service(obj["spec"], obj["metadata"]["uid"])


def _default_service(spec: Obj, uid: str) -> None:
    number = int(uid[:4], 16)
    spec.setdefault("clusterIP", f"172.20.{number >> 8}.{number & 255}")
    spec.setdefault("clusterIPs", [spec["clusterIP"]])
    for port in spec.get("ports") or ():
        port.setdefault("protocol", "TCP")
        port.setdefault("targetPort", port.get("port"))


def _default_containers(spec: Obj) -> None:
    for container in spec.get("containers") or ():
        for name, value in _CONTAINER_DEFAULTS.items():
            container.setdefault(name, value)
        for port in container.get("ports") or ():
            port.setdefault("protocol", "TCP")
        wanted = container["resources"]
        for name, limit in (wanted.get("limits") or {}).items():
            wanted.setdefault("requests", {}).setdefault(name, limit)


def validate(kind: Kind, obj: Obj, old: Obj | None) -> None:
    """Refuse objects that contradict themselves or change what may not change."""
    name = obj["metadata"].get("name", "")
    problems: list[tuple[str, str, str]] = []
    spec = obj.get("spec") or {}
    if kind.name == "HorizontalPodAutoscaler":
        problems += _hpa_problems(spec)
    if kind.name in ("Deployment", "ReplicaSet", "StatefulSet"):
        problems += _workload_problems(spec, dig(old, "spec"))
    if kind is POD:
        problems += _container_problems(spec.get("containers"), "spec.containers")
    if kind is QUOTA:
        _check_quantities(kind, spec.get("hard") or {})
    if kind.name == "Lease":
        problems += _lease_problems(spec)
    if problems:
        raise invalid(kind.name, kind.group, name, *problems)


def _check_quantities(kind: Kind, amounts: Obj) -> None:
    for amount in amounts.values():
        try:
            quantity(amount)
        except (ArithmeticError, TypeError, ValueError) as error:
            raise ApiError(
                400,
                f'{kind.name} in version "{kind.version}" cannot be handled as a {kind.name}:'
                " quantities must match the regular expression"
                " '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
            ) from error


def _integer(spec: Obj, path: str, go: str) -> int | None:
    value = spec.get(path.rpartition(".")[2])
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool):
        raise ApiError(
            400,
            f"json: cannot unmarshal {_go_type(value)} into Go struct field {go}.{path}"
            " of type int32",
        )
    return value


def _go_type(value: Any) -> str:
    names = {str: "string", bool: "bool", float: "number", dict: "object", list: "array"}
    return names.get(type(value), "value")


def _hpa_problems(spec: Obj) -> list[tuple[str, str, str]]:
    low = _integer(spec, "spec.minReplicas", "HorizontalPodAutoscalerSpec")
    high = _integer(spec, "spec.maxReplicas", "HorizontalPodAutoscalerSpec") or 0
    found = []
    if low is not None and low < 1:
        text = f"Invalid value: {low}: must be greater than or equal to 1"
        found.append(("spec.minReplicas", "FieldValueInvalid", text))
    if high < 1:
        text = f"Invalid value: {high}: must be greater than 0"
        found.append(("spec.maxReplicas", "FieldValueInvalid", text))
    if low is not None and high < low:
        text = f"Invalid value: {high}: must be greater than or equal to `minReplicas`"
        found.append(("spec.maxReplicas", "FieldValueInvalid", text))
    if not dig(spec, "scaleTargetRef", "name"):
        found.append(("spec.scaleTargetRef.name", "FieldValueRequired", "Required value"))
    return found


def _workload_problems(spec: Obj, old: Obj | None) -> list[tuple[str, str, str]]:
    found = []
    replicas = _integer(spec, "spec.replicas", "DeploymentSpec")
    if replicas is not None and replicas < 0:
        text = f"Invalid value: {replicas}: must be greater than or equal to 0"
        found.append(("spec.replicas", "FieldValueInvalid", text))
    if old and old.get("selector") != spec.get("selector"):
        text = "Invalid value: field is immutable"
        found.append(("spec.selector", "FieldValueInvalid", text))
    template = dig(spec, "template", "metadata", "labels") or {}
    chosen = dig(spec, "selector", "matchLabels") or {}
    containers = dig(spec, "template", "spec", "containers")
    found += _container_problems(containers, "spec.template.spec.containers")
    if not set(chosen.items()) <= set(template.items()):
        text = "Invalid value: `selector` does not match template `labels`"
        found.append(("spec.template.metadata.labels", "FieldValueInvalid", text))
    return found


def _container_problems(containers: Any, at: str) -> list[tuple[str, str, str]]:
    if not containers:
        return [(at, "FieldValueRequired", "Required value")]
    for one in containers:
        for part in (one.get("resources") or {}).values():
            if isinstance(part, dict):
                _check_quantities(POD, part)
    return [
        (f"{at}[{index}].{name}", "FieldValueRequired", "Required value")
        for index, one in enumerate(containers)
        for name in ("name", "image")
        if not one.get(name)
    ]


def _lease_problems(spec: Obj) -> list[tuple[str, str, str]]:
    seconds = spec.get("leaseDurationSeconds")
    if seconds is None or seconds > 0:
        return []
    text = f"Invalid value: {seconds}: must be greater than 0"
    return [("spec.leaseDurationSeconds", "FieldValueInvalid", text)]


def admit(store: Store, kind: Kind, obj: Obj) -> None:
    """Apply the namespace's limits to a new object and hold it against the quota."""
    namespace = obj["metadata"].get("namespace", "")
    if kind is POD:
        for limits in store.objects(LIMITS, namespace):
            _limit(limits, obj)
    for quota in store.objects(QUOTA, namespace):
        hard = quota["spec"].get("hard") or {}
        asked = {name: value for name, value in charge(kind, obj).items() if name in hard}
        if kind is POD:
            _must_specify(quota, obj, hard)
        used = usage(store, namespace, hard)
        over = [name for name in asked if used[name] + asked[name] > quantity(hard[name])]
        if over:
            name = obj["metadata"]["name"]
            raise forbidden(kind.plural, kind.group, name, _exceeded(quota, over, asked, used))


def _limit(limits: Obj, pod: Obj) -> None:
    for item in limits["spec"].get("limits") or ():
        if item.get("type") != "Container":
            continue
        for container in pod["spec"]["containers"]:
            wanted = container.setdefault("resources", {})
            for part, source in (("limits", "default"), ("requests", "defaultRequest")):
                if defaults := item.get(source):
                    wanted[part] = {**defaults, **(wanted.get(part) or {})}


def _must_specify(quota: Obj, pod: Obj, hard: Obj) -> None:
    missing = [
        name
        for name in sorted(hard)
        if name.partition(".")[0] in ("requests", "limits")
        and name.partition(".")[2] in _COMPUTE
        and any(
            name.partition(".")[2] not in (dig(one, "resources", name.partition(".")[0]) or {})
            for one in pod["spec"]["containers"]
        )
    ]
    if missing:
        names = ",".join(one["name"] for one in pod["spec"]["containers"])
        why = f"failed quota: {quota['metadata']['name']}: must specify "
        why += "; ".join(f"{name} for: {names}" for name in missing)
        raise forbidden("pods", "", pod["metadata"]["name"], why)


def _exceeded(
    quota: Obj, over: list[str], asked: dict[str, Decimal], used: dict[str, Decimal]
) -> str:
    def listed(values: dict[str, Any]) -> str:
        return ",".join(f"{name}={values[name]}" for name in sorted(over))

    return (
        f"exceeded quota: {quota['metadata']['name']}, requested: {listed(written(asked))},"
        f" used: {listed(written(used))}, limited: {listed(quota['spec']['hard'])}"
    )


def written(values: dict[str, Decimal]) -> dict[str, str]:
    """Write quantities as a quota's status does."""
    return {
        name: written_quantity(value, binary="memory" in name or "storage" in name)
        for name, value in values.items()
    }


def charge(kind: Kind, obj: Obj) -> dict[str, Decimal]:
    """Count what one object takes from a quota."""
    one = Decimal(1)
    found = {f"count/{kind.id}": one}
    if not kind.group:
        found[kind.plural] = one
    if kind is POD:
        if dig(obj, "status", "phase") in ("Succeeded", "Failed"):
            return {}
        for part in ("requests", "limits"):
            for name, value in pod_resources(obj, part).items():
                found[f"{part}.{name}"] = value
                if part == "requests":
                    found[name] = value
    if kind.name == "PersistentVolumeClaim":
        found["requests.storage"] = quantity(
            dig(obj, "spec", "resources", "requests", "storage") or 0
        )
    if kind.name == "Service" and dig(obj, "spec", "type") == "LoadBalancer":
        found["services.loadbalancers"] = one
    return found


def pod_resources(pod: Obj, part: str) -> dict[str, Decimal]:
    """Sum the requests or limits of a pod's containers."""
    total: dict[str, Decimal] = {}
    for container in dig(pod, "spec", "containers") or ():
        for name, value in (dig(container, "resources", part) or {}).items():
            total[name] = total.get(name, Decimal(0)) + quantity(value)
    return total


def usage(store: Store, namespace: str, hard: Obj) -> dict[str, Decimal]:
    """Sum what a namespace uses of the resources a quota names."""
    total = {name: Decimal(0) for name in hard}
    for kind in store.kinds:
        if not kind.namespaced:
            continue
        for obj in store.objects(kind, namespace):
            for name, value in charge(kind, obj).items():
                if name in total:
                    total[name] += value
    return total

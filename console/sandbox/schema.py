"""Which fields a kind knows, as deep as refusing a typing mistake needs."""

from collections.abc import Iterator

from console.sandbox.kinds import Kind
from console.sandbox.objects import Obj
from console.sandbox.status import ApiError

_META = (
    "annotations creationTimestamp deletionGracePeriodSeconds deletionTimestamp finalizers"
    " generateName generation labels managedFields name namespace ownerReferences resourceVersion"
    " selfLink uid"
)
_ROOT = {
    "ConfigMap": "data binaryData immutable",
    "Secret": "data stringData immutable type",
    "ServiceAccount": "secrets imagePullSecrets automountServiceAccountToken",
    "Event": "involvedObject reason message source firstTimestamp lastTimestamp count type"
    " eventTime series action related reportingComponent reportingInstance",
}
_SPEC = {
    "Namespace": "finalizers",
    "Node": "podCIDR podCIDRs providerID unschedulable taints configSource externalID",
    "ResourceQuota": "hard scopeSelector scopes",
    "LimitRange": "limits",
    "Deployment": "minReadySeconds paused progressDeadlineSeconds replicas revisionHistoryLimit"
    " selector strategy template",
    "ReplicaSet": "minReadySeconds replicas selector template",
    "StatefulSet": "minReadySeconds ordinals persistentVolumeClaimRetentionPolicy"
    " podManagementPolicy replicas revisionHistoryLimit selector serviceName template"
    " updateStrategy volumeClaimTemplates",
    "DaemonSet": "minReadySeconds revisionHistoryLimit selector template updateStrategy",
    "HorizontalPodAutoscaler": "behavior maxReplicas metrics minReplicas scaleTargetRef",
    "PodDisruptionBudget": "maxUnavailable minAvailable selector unhealthyPodEvictionPolicy",
    "Lease": "acquireTime holderIdentity leaseDurationSeconds leaseTransitions preferredHolder"
    " renewTime strategy",
}


def _unknown(kind: Kind, obj: Obj) -> Iterator[str]:
    root = {"apiVersion", "kind", "metadata", "spec", "status", *_ROOT.get(kind.name, "").split()}
    yield from (name for name in obj if name not in root)
    yield from (
        f"metadata.{name}" for name in obj.get("metadata") or {} if name not in _META.split()
    )
    if kind.name in _SPEC:
        known = _SPEC[kind.name].split()
        yield from (f"spec.{name}" for name in obj.get("spec") or {} if name not in known)


def check_fields(kind: Kind, obj: Obj, validation: str) -> str:
    """Drop unknown fields; refuse them when Strict, else answer the Warning header to send."""
    if validation not in ("", "Ignore", "Warn", "Strict"):
        raise ApiError(
            422,
            f'CreateOptions.meta.k8s.io "" is invalid: fieldValidation: Unsupported value:'
            f' "{validation}": supported values: "Ignore", "Strict", "Warn"',
        )
    found = [*_unknown(kind, obj)]
    texts = [f'unknown field "{path}"' for path in found]
    if found and validation == "Strict":
        raise ApiError(
            400,
            f'{kind.name} in version "{kind.version}" cannot be handled as a {kind.name}:'
            f" strict decoding error: {', '.join(texts)}",
        )
    for path in found:
        parent, _, name = path.rpartition(".")
        (obj[parent] if parent else obj).pop(name)
    if validation == "Ignore":
        return ""
    return ", ".join('299 - "{}"'.format(text.replace('"', '\\"')) for text in texts)

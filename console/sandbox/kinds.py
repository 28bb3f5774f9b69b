"""The table of kinds: everything the emulated API knows about a resource, in one line each."""

import msgspec

from console.sandbox.columns import COLUMNS, PLAIN, Column

READ_WRITE = (
    "create",
    "delete",
    "deletecollection",
    "get",
    "list",
    "patch",
    "update",
    "watch",
)


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """A resource as discovery describes it, with the traits that writing needs."""

    group: str = ""
    version: str = "v1"
    name: str
    plural: str
    short: tuple[str, ...] = ()
    namespaced: bool = True
    subresources: tuple[str, ...] = ("status",)
    fields: tuple[str, ...] = ()
    """Fields a fieldSelector may name, beside metadata.name and metadata.namespace."""
    generation: bool = True
    """Whether a changed spec counts up metadata.generation."""
    unconditional: bool = True
    """Whether a PUT may leave out resourceVersion."""
    everything: bool = False
    """Whether `kubectl get all` shows it."""
    custom: bool = False
    """A custom resource: no strategic merge patch, every list atomic."""

    @property
    def id(self) -> str:
        """The resource with its group, as kubectl writes it."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def columns(self) -> tuple[Column, ...]:
        return COLUMNS.get(self.id, PLAIN)


_SCALED = ("status", "scale")
_POD_FIELDS = (
    "spec.nodeName",
    "spec.restartPolicy",
    "spec.schedulerName",
    "spec.serviceAccountName",
    "spec.hostNetwork",
    "status.phase",
    "status.podIP",
    "status.nominatedNodeName",
)
_EVENT_FIELDS = (
    *(f"involvedObject.{part}" for part in ("kind", "namespace", "name", "uid", "apiVersion")),
    *("involvedObject.resourceVersion", "involvedObject.fieldPath"),
    *("reason", "reportingComponent", "source", "type"),
)

NAMESPACE = Kind(
    name="Namespace",
    plural="namespaces",
    short=("ns",),
    namespaced=False,
    subresources=("status", "finalize"),
    fields=("status.phase",),
    generation=False,
)
NODE = Kind(
    name="Node",
    plural="nodes",
    short=("no",),
    namespaced=False,
    fields=("spec.unschedulable",),
    generation=False,
)
POD = Kind(
    name="Pod",
    plural="pods",
    short=("po",),
    subresources=("status", "eviction"),
    fields=_POD_FIELDS,
    everything=True,
)
SERVICE = Kind(
    name="Service",
    plural="services",
    short=("svc",),
    fields=("spec.clusterIP", "spec.type"),
    generation=False,
    everything=True,
)
EVENT = Kind(
    name="Event",
    plural="events",
    short=("ev",),
    subresources=(),
    fields=_EVENT_FIELDS,
    generation=False,
)
QUOTA = Kind(name="ResourceQuota", plural="resourcequotas", short=("quota",), generation=False)
LIMITS = Kind(
    name="LimitRange",
    plural="limitranges",
    short=("limits",),
    subresources=(),
    generation=False,
)
CLAIM = Kind(
    name="PersistentVolumeClaim",
    plural="persistentvolumeclaims",
    short=("pvc",),
    generation=False,
)
CONFIG_MAP = Kind(
    name="ConfigMap", plural="configmaps", short=("cm",), subresources=(), generation=False
)
SECRET = Kind(name="Secret", plural="secrets", subresources=(), fields=("type",), generation=False)
ACCOUNT = Kind(
    name="ServiceAccount",
    plural="serviceaccounts",
    short=("sa",),
    subresources=(),
    generation=False,
)
DEPLOYMENT = Kind(
    group="apps",
    name="Deployment",
    plural="deployments",
    short=("deploy",),
    subresources=_SCALED,
    everything=True,
)
REPLICA_SET = Kind(
    group="apps",
    name="ReplicaSet",
    plural="replicasets",
    short=("rs",),
    subresources=_SCALED,
    fields=("status.replicas",),
    everything=True,
)
STATEFUL_SET = Kind(
    group="apps",
    name="StatefulSet",
    plural="statefulsets",
    short=("sts",),
    subresources=_SCALED,
    everything=True,
)
DAEMON_SET = Kind(
    group="apps", name="DaemonSet", plural="daemonsets", short=("ds",), everything=True
)
HPA = Kind(
    group="autoscaling",
    version="v2",
    name="HorizontalPodAutoscaler",
    plural="horizontalpodautoscalers",
    short=("hpa",),
    generation=False,
    everything=True,
)
PDB = Kind(
    group="policy", name="PodDisruptionBudget", plural="poddisruptionbudgets", short=("pdb",)
)
LEASE = Kind(
    group="coordination.k8s.io",
    name="Lease",
    plural="leases",
    subresources=(),
    generation=False,
    unconditional=False,
)
_ARGO, _ALPHA = "argoproj.io", "v1alpha1"
APPLICATION = Kind(
    group=_ARGO,
    version=_ALPHA,
    name="Application",
    plural="applications",
    short=("app", "apps"),
    subresources=(),
    unconditional=False,
    custom=True,
)
APPLICATION_SET = Kind(
    group=_ARGO,
    version=_ALPHA,
    name="ApplicationSet",
    plural="applicationsets",
    short=("appset", "appsets"),
    unconditional=False,
    custom=True,
)
APP_PROJECT = Kind(
    group=_ARGO,
    version=_ALPHA,
    name="AppProject",
    plural="appprojects",
    short=("appproj", "appprojs"),
    subresources=(),
    unconditional=False,
    custom=True,
)

CORE_KINDS = (
    NAMESPACE,
    NODE,
    POD,
    SERVICE,
    EVENT,
    QUOTA,
    LIMITS,
    CLAIM,
    CONFIG_MAP,
    SECRET,
    ACCOUNT,
    DEPLOYMENT,
    REPLICA_SET,
    STATEFUL_SET,
    DAEMON_SET,
    HPA,
    PDB,
    LEASE,
)
ARGO_KINDS = (APPLICATION, APPLICATION_SET, APP_PROJECT)

REVIEWS = {
    ("authorization.k8s.io", "selfsubjectaccessreviews"): "SelfSubjectAccessReview",
    ("authorization.k8s.io", "selfsubjectrulesreviews"): "SelfSubjectRulesReview",
    ("authentication.k8s.io", "selfsubjectreviews"): "SelfSubjectReview",
}
"""Resources that are only ever asked: (group, plural) to kind."""

LIST_KEYS: dict[str, tuple[str, ...]] = {
    "containers": ("name",),
    "initContainers": ("name",),
    "ephemeralContainers": ("name",),
    "volumes": ("name",),
    "env": ("name",),
    "volumeMounts": ("mountPath",),
    "volumeDevices": ("devicePath",),
    "imagePullSecrets": ("name",),
    "secrets": ("name",),
    "conditions": ("type",),
    "addresses": ("type",),
    "hostAliases": ("ip",),
    "podIPs": ("ip",),
    "ownerReferences": ("uid",),
    "topologySpreadConstraints": ("topologyKey", "whenUnsatisfiable"),
    "containers.ports": ("containerPort", "protocol"),
    "spec.ports": ("port", "protocol"),
}
"""Lists that merge by key, named by field, or by parent and field where the name is ambiguous."""

PATCH_ONLY_KEYS = {"taints": ("key",)}
"""Lists that a strategic merge patch merges and server-side apply replaces."""

ATOMIC = frozenset(
    {
        "selector",
        "labelSelector",
        "nodeSelector",
        "scaleTargetRef",
        "involvedObject",
        "secretKeyRef",
        "configMapKeyRef",
        "fieldRef",
        "resourceFieldRef",
        "targetRef",
    }
)
"""Maps that server-side apply owns as one value."""


def list_keys(parent: str, name: str) -> tuple[str, ...]:
    """Find the keys by which a list's items are told apart; empty for an atomic list."""
    return LIST_KEYS.get(f"{parent}.{name}") or LIST_KEYS.get(name, ())

"""Who may do what on a real control plane: users with tokens, and their roles."""

import secrets
from collections.abc import Iterable, Mapping

import msgspec

from tests.real.api import Object

OPS_NAMESPACE = "shifu-ops"
_READ = ["get", "list", "watch"]
# Named one by one: a wildcard would hand out secrets, and exec through `get pods/*`.
_CORE_READABLE = [
    "bindings",
    "configmaps",
    "endpoints",
    "events",
    "limitranges",
    "namespaces",
    "namespaces/status",
    "nodes",
    "nodes/status",
    "persistentvolumeclaims",
    "persistentvolumeclaims/status",
    "persistentvolumes",
    "pods",
    "pods/log",
    "pods/status",
    "podtemplates",
    "replicationcontrollers",
    "resourcequotas",
    "resourcequotas/status",
    "serviceaccounts",
    "services",
    "services/status",
]
_GROUPS_READABLE = [
    "admissionregistration.k8s.io",
    "apiextensions.k8s.io",
    "apiregistration.k8s.io",
    "apps",
    "argoproj.io",
    "autoscaling",
    "batch",
    "coordination.k8s.io",
    "discovery.k8s.io",
    "events.k8s.io",
    "metrics.k8s.io",
    "networking.k8s.io",
    "policy",
    "rbac.authorization.k8s.io",
    "scheduling.k8s.io",
    "storage.k8s.io",
]


class User(msgspec.Struct, frozen=True):
    """A user of a control plane and its groups."""

    name: str
    groups: tuple[str, ...] = ()


PEOPLE = (
    User("admin", ("system:masters",)),
    User("viewer", ("shifu:viewers",)),
    User("operator", ("shifu:operators",)),
    User("nobody"),
)
SYSTEM = (
    User("system:kube-controller-manager", ("system:masters",)),
    User("system:kube-scheduler", ("system:masters",)),
    User("kwok", ("system:masters",)),
    User("metrics-server", ("system:masters",)),
)


def new_tokens() -> dict[str, str]:
    """Make a token for every user."""
    return {user.name: secrets.token_urlsafe(24) for user in (*PEOPLE, *SYSTEM)}


def token_file(tokens: Mapping[str, str]) -> str:
    """Write tokens as kube-apiserver reads them."""
    users = {user.name: user for user in (*PEOPLE, *SYSTEM)}
    lines = [
        f'{token},{name},{name},"{",".join(users[name].groups)}"' for name, token in tokens.items()
    ]
    return "\n".join(lines) + "\n"


def roles() -> list[Object]:
    """Return the namespace and the roles that every control plane has."""
    viewer = [_rule([""], _CORE_READABLE, _READ), _rule(_GROUPS_READABLE, ["*"], _READ)]
    operator = [
        *viewer,
        _rule(["autoscaling"], ["horizontalpodautoscalers"], ["patch", "update"]),
        _rule(["apps"], ["deployments/scale"], ["patch", "update"]),
    ]
    leases = [_rule(["coordination.k8s.io"], ["leases"], ["create", "update", "patch"])]
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": OPS_NAMESPACE}},
        *_granted("ClusterRole", "shifu-viewer", viewer, "shifu:viewers"),
        *_granted("ClusterRole", "shifu-operator", operator, "shifu:operators"),
        *_granted("Role", "shifu-locks", leases, "shifu:operators"),
    ]


def _rule(groups: Iterable[str], resources: Iterable[str], verbs: Iterable[str]) -> Object:
    return {"apiGroups": list(groups), "resources": list(resources), "verbs": list(verbs)}


def _granted(kind: str, name: str, rules: list[Object], group: str) -> list[Object]:
    version = "rbac.authorization.k8s.io/v1"
    metadata = {"name": name} | ({"namespace": OPS_NAMESPACE} if kind == "Role" else {})
    return [
        {"apiVersion": version, "kind": kind, "metadata": metadata, "rules": rules},
        {
            "apiVersion": version,
            "kind": f"{kind}Binding",
            "metadata": metadata,
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": name},
            "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": group}],
        },
    ]

"""Who asks and what they may do: bearer tokens, role rules, access reviews."""

import secrets

import msgspec

from console.sandbox.objects import Obj, now
from console.sandbox.status import ApiError, forbidden

_READ = ("get", "list", "watch")


class Rule(msgspec.Struct, frozen=True):
    """One line of a role: verbs on resources, in one namespace or everywhere."""

    verbs: tuple[str, ...]
    groups: tuple[str, ...]
    resources: tuple[str, ...]
    namespace: str = ""

    def allows(self, verb: str, group: str, resource: str, namespace: str) -> bool:
        return (
            (not self.namespace or self.namespace == namespace)
            and _named(verb, self.verbs)
            and _named(group, self.groups)
            and _named(resource, self.resources)
        )


def _named(word: str, words: tuple[str, ...]) -> bool:
    return "*" in words or word in words


VIEW = (
    Rule(
        _READ,
        ("",),
        (
            *("namespaces", "nodes", "pods", "pods/log", "services", "events", "configmaps"),
            *("resourcequotas", "limitranges", "persistentvolumeclaims", "serviceaccounts"),
        ),
    ),
    Rule(
        _READ,
        ("apps", "autoscaling", "policy", "coordination.k8s.io", "argoproj.io"),
        ("*",),
    ),
)
OPERATE = (
    *VIEW,
    Rule(("patch", "update"), ("autoscaling",), ("horizontalpodautoscalers",)),
    Rule(("patch", "update"), ("apps",), ("deployments/scale",)),
    Rule(
        ("create", "get", "patch", "update"),
        ("coordination.k8s.io",),
        ("leases",),
        "shifu-ops",
    ),
)
SRE = (
    *OPERATE,
    Rule(("create", "get", "patch", "update"), ("",), ("configmaps",), "shifu-ops"),
    Rule(("patch", "update"), ("",), ("nodes",)),
    Rule(("patch",), ("apps",), ("deployments", "statefulsets")),
    Rule(("create",), ("",), ("pods/eviction",)),
)
ROLES: dict[str, tuple[Rule, ...]] = {
    "admin": (Rule(("*",), ("*",), ("*",)),),
    "viewer": VIEW,
    "operator": OPERATE,
    "sre": SRE,
    "nobody": (),
}


class Users:
    """The tokens of a fleet's users, who are the same in every cluster."""

    def __init__(self) -> None:
        self.tokens = {name: secrets.token_urlsafe(24) for name in ROLES}
        self._names = {token: name for name, token in self.tokens.items()}
        self.revoked: set[str] = set()

    def named_by(self, authorization: str) -> str:
        """Find whose token a header carries; anonymous without one."""
        if not authorization:
            return "system:anonymous"
        scheme, _, token = authorization.partition(" ")
        user = self._names.get(token.strip())
        if scheme.lower() != "bearer" or user is None or user in self.revoked:
            raise ApiError(401, "Unauthorized")
        return user

    def issue(self, user: str) -> str:
        """Give a user one more token, beside those already given."""
        token = secrets.token_urlsafe(24)
        self._names[token] = user
        return token

    def revoke(self, token: str) -> None:
        """Refuse a token from now on."""
        self._names.pop(token, None)


def groups(user: str) -> list[str]:
    """List the groups a user is in."""
    if user == "system:anonymous":
        return ["system:unauthenticated"]
    return [*(["system:masters"] if user == "admin" else []), "system:authenticated"]


def allowed(user: str, verb: str, group: str, resource: str, namespace: str) -> bool:
    """Tell whether a user's roles allow a request."""
    return any(rule.allows(verb, group, resource, namespace) for rule in ROLES.get(user, ()))


class Ask(msgspec.Struct, frozen=True):
    """What a request wants, as the authorizer sees it."""

    verb: str
    group: str
    resource: str
    namespace: str = ""
    name: str = ""
    namespaced: bool = True

    def check(self, user: str) -> None:
        """Refuse what the user may not do."""
        if allowed(user, self.verb, self.group, self.resource, self.namespace):
            return
        where = f'in the namespace "{self.namespace}"' if self.namespace else "at the cluster scope"
        resource, _, _ = self.resource.partition("/")
        raise forbidden(
            resource,
            self.group,
            self.name,
            f'User "{user}" cannot {self.verb} resource "{self.resource}"'
            f' in API group "{self.group}" {where}',
        )


def review(kind: str, user: str, body: Obj) -> Obj:
    """Answer a self-review."""
    spec = body.get("spec") or {}
    answer: Obj = {
        "kind": kind,
        "apiVersion": body.get("apiVersion"),
        "metadata": {"creationTimestamp": None},
    }
    if kind == "SelfSubjectReview":
        answer["metadata"] = {"creationTimestamp": now()}
        return {**answer, "status": {"userInfo": {"username": user, "groups": groups(user)}}}
    if kind == "SelfSubjectRulesReview":
        return {**answer, "spec": {}, "status": _rules(user, str(spec.get("namespace", "")))}
    return {**answer, "spec": spec, "status": _access(user, spec)}


def _access(user: str, spec: Obj) -> Obj:
    if path := (spec.get("nonResourceAttributes") or {}).get("path"):
        return {"allowed": user == "admin" or str(path).startswith(("/api", "/version", "/livez"))}
    asked = spec.get("resourceAttributes")
    if not asked:
        raise ApiError(
            422,
            'SelfSubjectAccessReview.authorization.k8s.io "" is invalid:'
            " spec.resourceAttributes: Invalid value: null: exactly one of"
            " nonResourceAttributes or resourceAttributes must be specified",
        )
    resource = "/".join(filter(None, (asked.get("resource"), asked.get("subresource"))))
    verdict = allowed(
        user, asked.get("verb", ""), asked.get("group", ""), resource, asked.get("namespace", "")
    )
    if not verdict:
        return {"allowed": False}
    bound = f'RBAC: allowed by ClusterRoleBinding "{user}" of ClusterRole "{user}" to User "{user}"'
    return {"allowed": True, **({} if user == "admin" else {"reason": bound})}


def _rules(user: str, namespace: str) -> Obj:
    found = [
        {
            "verbs": list(rule.verbs),
            "apiGroups": list(rule.groups),
            "resources": list(rule.resources),
        }
        for rule in ROLES.get(user, ())
        if not rule.namespace or rule.namespace == namespace
    ]
    open_paths = ["/api", "/api/*", "/apis", "/apis/*", "/healthz", "/livez", "/readyz", "/version"]
    return {
        "resourceRules": found,
        "nonResourceRules": [{"verbs": ["get"], "nonResourceURLs": open_paths}],
        "incomplete": False,
    }

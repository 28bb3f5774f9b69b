"""What a cluster says it serves: API groups and resources, plain and aggregated."""

from collections.abc import Iterable

from console.sandbox.kinds import READ_WRITE, REVIEWS, Kind
from console.sandbox.objects import Obj

_SCALE = {"group": "autoscaling", "version": "v1", "kind": "Scale"}
_EVICTION = {"group": "policy", "version": "v1", "kind": "Eviction"}


def document(kinds: tuple[Kind, ...], parts: list[str], address: str) -> Obj | None:
    """Answer the discovery path with these parts; None when there is none."""
    match parts:
        case ["api"]:
            return core_versions(address)
        case ["apis"]:
            return group_list(kinds)
        case ["api", version]:
            return resource_list(kinds, "", version)
        case ["apis", name]:
            return group(kinds, name)
        case ["apis", name, version]:
            return resource_list(kinds, name, version)
        case ["openapi", "v3", *below]:
            return openapi(kinds, "/".join(below))
    return None


def versions(kinds: Iterable[Kind]) -> dict[str, str]:
    """Map each named group to its version, in the order of preference."""
    found = {kind.group: kind.version for kind in kinds if kind.group}
    return found | {group: "v1" for group, _ in REVIEWS}


def core_versions(address: str) -> Obj:
    """Answer /api."""
    return {
        "kind": "APIVersions",
        "versions": ["v1"],
        "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": address}],
    }


def group_list(kinds: tuple[Kind, ...]) -> Obj:
    """Answer /apis."""
    return {
        "kind": "APIGroupList",
        "apiVersion": "v1",
        "groups": [_group(group, version) for group, version in versions(kinds).items()],
    }


def group(kinds: tuple[Kind, ...], name: str) -> Obj | None:
    """Answer /apis/NAME; None when the group is not served."""
    version = versions(kinds).get(name)
    return {"kind": "APIGroup", "apiVersion": "v1", **_group(name, version)} if version else None


def _group(name: str, version: str) -> Obj:
    served = {"groupVersion": f"{name}/{version}", "version": version}
    return {"name": name, "versions": [served], "preferredVersion": served}


def resource_list(kinds: tuple[Kind, ...], group: str, version: str) -> Obj | None:
    """Answer /api/v1 and /apis/GROUP/VERSION; None when that is not served."""
    served = [kind for kind in kinds if (kind.group, kind.version) == (group, version)]
    reviews = [(plural, name) for (own, plural), name in REVIEWS.items() if own == group]
    if not served and not (reviews and version == "v1"):
        return None
    resources = [one for kind in served for one in _resources(kind)]
    resources += [
        {"name": plural, "singularName": "", "namespaced": False, "kind": name, "verbs": ["create"]}
        for plural, name in reviews
    ]
    return {
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": f"{group}/{version}" if group else version,
        "resources": resources,
    }


def _resources(kind: Kind) -> Iterable[Obj]:
    yield {
        "name": kind.plural,
        "singularName": kind.name.lower(),
        "namespaced": kind.namespaced,
        "kind": kind.name,
        "verbs": list(READ_WRITE),
        **({"shortNames": list(kind.short)} if kind.short else {}),
        **({"categories": ["all"]} if kind.everything else {}),
    }
    for name in kind.subresources:
        foreign = {"scale": _SCALE, "eviction": _EVICTION}.get(name, {"kind": kind.name})
        yield {
            "name": f"{kind.plural}/{name}",
            "singularName": "",
            "namespaced": kind.namespaced,
            **foreign,
            "verbs": _verbs(name),
        }


def _verbs(subresource: str) -> list[str]:
    special = {"eviction": ["create"], "finalize": ["update"]}
    return special.get(subresource, ["get", "patch", "update"])


def aggregated(kinds: tuple[Kind, ...], *, core: bool) -> Obj:
    """Answer /api or /apis for a client that asks for everything at once."""
    served = {"": "v1"} if core else versions(kinds)
    return {
        "kind": "APIGroupDiscoveryList",
        "apiVersion": "apidiscovery.k8s.io/v2",
        "metadata": {},
        "items": [
            {
                "metadata": {"name": name} if name else {"creationTimestamp": None},
                "versions": [
                    {
                        "version": version,
                        "resources": [*_aggregated(kinds, name, version)],
                        "freshness": "Current",
                    }
                ],
            }
            for name, version in served.items()
        ],
    }


def _aggregated(kinds: tuple[Kind, ...], group: str, version: str) -> Iterable[Obj]:
    listed = (resource_list(kinds, group, version) or {"resources": []})["resources"]
    below = [one for one in listed if "/" in one["name"]]
    for one in listed:
        if "/" in one["name"]:
            continue
        yield {
            "resource": one["name"],
            "responseKind": {"group": group, "version": version, "kind": one["kind"]},
            "scope": "Namespaced" if one["namespaced"] else "Cluster",
            "singularResource": one["singularName"],
            "verbs": one["verbs"],
            **{key: one[key] for key in ("shortNames", "categories") if key in one},
            "subresources": [
                _below(sub, group, version)
                for sub in below
                if sub["name"].startswith(one["name"] + "/")
            ],
        }


def _below(sub: Obj, group: str, version: str) -> Obj:
    kind = {
        "group": sub.get("group", group),
        "version": sub.get("version", version),
        "kind": sub["kind"],
    }
    return {
        "subresource": sub["name"].partition("/")[2],
        "responseKind": kind,
        "verbs": sub["verbs"],
    }


def openapi(kinds: tuple[Kind, ...], below: str) -> Obj | None:
    """Answer /openapi/v3 with as much as kubectl needs: that the server validates fields."""
    groups = {f"apis/{kind.api_version}" if kind.group else "api/v1": kind for kind in kinds}
    if not below:
        paths = {at: {"serverRelativeURL": f"/openapi/v3/{at}"} for at in groups}
        return {"paths": paths}
    if below not in groups:
        return None
    return {
        "openapi": "3.0.0",
        "info": {"title": "Kubernetes", "version": groups[below].version},
        "paths": {
            f"/{below}/{kind.plural}/{{name}}": {"patch": _patch_operation(kind)}
            for kind in kinds
            if kind.api_version == groups[below].api_version
        },
    }


def _patch_operation(kind: Kind) -> Obj:
    options = ("dryRun", "fieldManager", "fieldValidation", "force")
    return {
        "parameters": [{"name": name, "in": "query"} for name in options],
        "responses": {"200": {"description": "OK"}},
        "x-kubernetes-group-version-kind": {
            "group": kind.group,
            "version": kind.version,
            "kind": kind.name,
        },
    }

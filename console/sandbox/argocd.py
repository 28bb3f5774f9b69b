"""Argo CD's objects in the management cluster: a project, an ApplicationSet, the Applications."""

from collections.abc import Iterable, Mapping
from typing import Protocol

from console.sandbox.kinds import APP_PROJECT, APPLICATION, APPLICATION_SET
from console.sandbox.objects import Obj, now
from console.sandbox.registry import Registry, Writer

_BY = Writer("argocd-applicationset-controller")
_NAMESPACE = "argocd"
_REVISION = "3f1c9d27a4be5086d2f7c1b09e6a48d35b7f2c10"
_REPOSITORY = "ssh://git@git.ai-shifu.internal/platform/fleet.git"
_BOUNDS = {
    "group": "autoscaling",
    "kind": "HorizontalPodAutoscaler",
    "jsonPointers": ["/spec/minReplicas", "/spec/maxReplicas"],
}


class Deployed(Protocol):
    """What Argo CD needs to know of a tenant."""

    @property
    def bid(self) -> str: ...
    @property
    def cluster(self) -> str: ...
    @property
    def tier(self) -> str: ...
    @property
    def isolation(self) -> str: ...
    @property
    def self_heal(self) -> bool: ...
    @property
    def bounds_ignored(self) -> bool: ...


class Reached(Protocol):
    """What Argo CD needs to know of a cluster."""

    @property
    def url(self) -> str: ...


def plant(registry: Registry, tenants: Iterable[Deployed], clusters: Mapping[str, Reached]) -> None:
    """Create the project, the ApplicationSet and an Application for every tenant."""
    registry.create(APP_PROJECT, _NAMESPACE, _project(), _BY)
    made = registry.create(APPLICATION_SET, _NAMESPACE, _application_set(), _BY)
    meta = made.obj["metadata"]
    owner = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "ApplicationSet",
        "name": meta["name"],
        "uid": meta["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }
    for tenant in tenants:
        body = _application(tenant, clusters[tenant.cluster].url)
        body["metadata"]["ownerReferences"] = [owner]
        registry.create(APPLICATION, _NAMESPACE, body, _BY)


def _project() -> Obj:
    return {
        "metadata": {"name": "tenants-prod"},
        "spec": {
            "description": "Tenants in production",
            "sourceRepos": [_REPOSITORY],
            "destinations": [{"server": "*", "namespace": "tenant-*"}],
            "clusterResourceWhitelist": [{"group": "", "kind": "Namespace"}],
        },
    }


def _application_set() -> Obj:
    files = {"repoURL": _REPOSITORY, "revision": "main"}
    return {
        "metadata": {"name": "tenants"},
        "spec": {
            "goTemplate": True,
            "goTemplateOptions": ["missingkey=error"],
            "generators": [
                {
                    "matrix": {
                        "generators": [
                            {"git": {**files, "files": [{"path": "k8s/tenants/*/*/tenant.yaml"}]}},
                            {
                                "clusters": {
                                    "selector": {
                                        "matchLabels": {"ai-shifu.io/cluster": "{{.cluster}}"}
                                    }
                                }
                            },
                        ]
                    }
                }
            ],
            "ignoreApplicationDifferences": [{"jsonPointers": ["/spec/syncPolicy"]}],
            "syncPolicy": {
                "applicationsSync": "create-update",
                "preserveResourcesOnDeletion": True,
            },
            "template": {
                "metadata": {"name": "t-{{.bid}}-{{.nameNormalized}}"},
                "spec": {
                    "project": "tenants-prod",
                    "source": _source("{{.path.path}}"),
                    "destination": {"name": "{{.name}}", "namespace": "tenant-{{.bid}}"},
                    "ignoreDifferences": [_BOUNDS],
                    "syncPolicy": _sync_policy(self_heal=True, bounds_ignored=True),
                },
            },
        },
    }


def _source(path: str) -> Obj:
    return {
        "repoURL": _REPOSITORY,
        "targetRevision": "main",
        "path": path,
        "directory": {"exclude": "tenant.yaml"},
    }


def _sync_policy(*, self_heal: bool, bounds_ignored: bool) -> Obj:
    options = ["ServerSideApply=true", "PruneLast=true", "ApplyOutOfSyncOnly=true"]
    if bounds_ignored:
        options.append("RespectIgnoreDifferences=true")
    return {"automated": {"prune": True, "selfHeal": self_heal}, "syncOptions": options}


def _application(tenant: Deployed, server: str) -> Obj:
    path = f"k8s/tenants/{tenant.cluster}/{tenant.bid}"
    spec: Obj = {
        "project": "tenants-prod",
        "source": _source(path),
        "destination": {"name": tenant.cluster, "namespace": f"tenant-{tenant.bid}"},
        "syncPolicy": _sync_policy(
            self_heal=tenant.self_heal, bounds_ignored=tenant.bounds_ignored
        ),
    }
    if tenant.bounds_ignored:
        spec["ignoreDifferences"] = [_BOUNDS]
    return {
        "metadata": {
            "name": f"t-{tenant.bid}-{tenant.cluster}",
            "labels": {
                "ai-shifu.io/tenant": tenant.bid,
                "ai-shifu.io/tier": tenant.tier,
                "ai-shifu.io/isolation": tenant.isolation,
                "ai-shifu.io/cluster": tenant.cluster,
                "tenant": tenant.bid,
                "tier": tenant.tier,
                "isolation": tenant.isolation,
            },
        },
        "spec": spec,
        "status": {
            "sync": {
                "status": "Synced",
                "revision": _REVISION,
                "comparedTo": {
                    "source": spec["source"],
                    "destination": {**spec["destination"], "server": server},
                },
            },
            "health": {"status": "Healthy"},
            "reconciledAt": now(),
            "operationState": {
                "phase": "Succeeded",
                "message": "successfully synced (all tasks run)",
                "startedAt": now(),
                "finishedAt": now(),
                "syncResult": {"revision": _REVISION, "source": spec["source"]},
            },
        },
    }

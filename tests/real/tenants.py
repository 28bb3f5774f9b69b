"""Tenants as their clusters hold them: namespace, quota, workloads and autoscalers."""

from collections.abc import Mapping

import msgspec

from tests.real.api import Object
from tests.real.stages import POD_FAULT

APPS = ("ai-shifu-api", "ai-shifu-web", "ai-shifu-cook-web")
_PREFIX = "ai-shifu.io"


class App(msgspec.Struct, frozen=True, kw_only=True):
    """How one Deployment and its autoscaler are sized."""

    minimum: int
    maximum: int
    cpu: str
    memory: str
    fault: str = ""


class Tenant(msgspec.Struct, frozen=True, kw_only=True):
    """A tenant of one cluster."""

    bid: str
    tier: str
    isolation: str
    region: str
    apps: Mapping[str, App]
    quota: Mapping[str, str]
    release: str = "v1.4.2"

    @property
    def namespace(self) -> str:
        return f"tenant-{self.bid}"

    @property
    def own_database(self) -> bool:
        return self.isolation != "shared"

    def manifests(self) -> list[Object]:
        """Return its objects, the namespace first."""
        items = [self._namespace(), self._quota()]
        for name, app in self.apps.items():
            items += [self._deployment(name, app), self._autoscaler(name, app)]
        if self.own_database:
            items += [self._stateful("mysql", 3, 3306), self._stateful("redis", 1, 6379)]
        return items

    def _namespace(self) -> Object:
        facts = {"tenant": self.bid, "tier": self.tier, "isolation": self.isolation}
        labels = facts | {f"{_PREFIX}/{name}": value for name, value in facts.items()}
        labels[f"{_PREFIX}/region"] = self.region
        metadata = {
            "name": self.namespace,
            "labels": labels,
            "annotations": {f"{_PREFIX}/display-name": self.bid.capitalize()},
        }
        return {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}

    def _quota(self) -> Object:
        return {
            "apiVersion": "v1",
            "kind": "ResourceQuota",
            "metadata": {"name": "tenant-quota", "namespace": self.namespace},
            "spec": {"hard": dict(self.quota)},
        }

    def _deployment(self, name: str, app: App) -> Object:
        labels = {"app": name, "tenant": self.bid}
        template: Object = {"labels": labels | {"version": self.release}}
        if app.fault:
            template["annotations"] = {POD_FAULT: app.fault}
        container = _container(name.removeprefix("ai-shifu-"), app.cpu, app.memory)
        container["image"] = f"{name}:{self.release}"
        return {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": name, "namespace": self.namespace, "labels": labels},
            # No replicas: they belong to the autoscaler.
            "spec": {
                "selector": {"matchLabels": labels},
                "template": {
                    "metadata": template,
                    "spec": {"nodeSelector": {"role": "application"}, "containers": [container]},
                },
            },
        }

    def _autoscaler(self, name: str, app: App) -> Object:
        target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": name}
        cpu = {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 70}}
        return {
            "apiVersion": "autoscaling/v2",
            "kind": "HorizontalPodAutoscaler",
            "metadata": {
                "name": name,
                "namespace": self.namespace,
                "labels": {"app": name, "tenant": self.bid},
            },
            "spec": {
                "scaleTargetRef": target,
                "minReplicas": app.minimum,
                "maxReplicas": app.maximum,
                "metrics": [{"type": "Resource", "resource": cpu}],
                "behavior": {"scaleDown": {"stabilizationWindowSeconds": 60}},
            },
        }

    def _stateful(self, app: str, replicas: int, port: int) -> Object:
        name = f"{app}-{self.bid}"
        labels = {"app": app, "tenant": self.bid}
        container = _container(app, "100m", "256Mi")
        container["ports"] = [{"containerPort": port}]
        return {
            "apiVersion": "apps/v1",
            "kind": "StatefulSet",
            "metadata": {"name": name, "namespace": self.namespace, "labels": labels},
            "spec": {
                "serviceName": name,
                "replicas": replicas,
                "selector": {"matchLabels": labels},
                "template": {
                    "metadata": {"labels": labels},
                    "spec": {
                        "nodeSelector": {"role": "database"},
                        "tolerations": [{"key": "database-only", "operator": "Exists"}],
                        "containers": [container],
                    },
                },
            },
        }


def application(tenant: Tenant, cluster: str, server: str, *, keeps_bounds: bool) -> Object:
    """Return the Argo CD Application of a tenant, which may or may not tolerate live bounds."""
    spec: Object = {
        "project": "default",
        "source": {
            "repoURL": "https://git.example/shifu/gitops.git",
            "path": f"tenants/{tenant.bid}",
            "targetRevision": "main",
        },
        "destination": {"server": server, "namespace": tenant.namespace},
        "syncPolicy": {"automated": {"prune": True, "selfHeal": True}},
    }
    if keeps_bounds:
        spec["syncPolicy"]["syncOptions"] = ["RespectIgnoreDifferences=true"]
        spec["ignoreDifferences"] = [
            {
                "group": "autoscaling",
                "kind": "HorizontalPodAutoscaler",
                "jsonPointers": ["/spec/minReplicas", "/spec/maxReplicas"],
            }
        ]
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {
            "name": f"{tenant.bid}.{cluster}",
            "namespace": "argocd",
            "labels": {"tenant": tenant.bid, f"{_PREFIX}/tenant": tenant.bid},
        },
        "spec": spec,
    }


def _container(name: str, cpu: str, memory: str) -> Object:
    return {
        "name": name,
        "image": name,
        "resources": {"requests": {"cpu": cpu, "memory": memory}, "limits": {"memory": memory}},
    }

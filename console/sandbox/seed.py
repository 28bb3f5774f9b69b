"""What the fleet starts with: nodes, tenants, their troubles, and Argo CD's view of them."""

from typing import Any

import msgspec

from console.sandbox import argocd, nodes
from console.sandbox.clock import CLOCK
from console.sandbox.cluster import Cluster
from console.sandbox.controllers.kubelet import MISSING_TAG
from console.sandbox.controllers.load import Wave
from console.sandbox.kinds import DAEMON_SET, DEPLOYMENT, NAMESPACE, STATEFUL_SET, Kind
from console.sandbox.objects import Obj, quantity
from console.sandbox.registry import Writer
from console.sandbox.render import Templates

DAY = 86_400
GITOPS = Writer("argocd-controller")
_REGISTRY = "registry.ai-shifu.internal"
_APP_VERSION = "2.8.4"
_WARM_UP_STEP_SECONDS = 15
_WARM_UP_STEPS = 14
_EVENTS_FROM_STEP = 2


class Tenant(msgspec.Struct, frozen=True):
    """A customer: where, how big, and what is special about it."""

    bid: str
    display: str
    cluster: str
    tier: str
    isolation: str
    demand: float = 1.2
    """The api's use at the middle of the wave, in requests of one pod."""
    swing: float = 0.5
    sizes: dict[str, Any] = {}
    image_of_web: str = _APP_VERSION
    self_heal: bool = True
    bounds_ignored: bool = True
    """Whether Argo CD leaves the autoscalers' bounds alone."""


TENANTS = (
    Tenant(
        "acme",
        "Acme Academy",
        "prod-us-west-2",
        "premium",
        "hybrid",
        demand=5.8,
        swing=0.1,
        sizes={"API_MAX_REPLICAS": 6},
    ),
    Tenant(
        "globex",
        "Globex Learning",
        "prod-us-west-2",
        "enterprise",
        "hybrid",
        demand=4.4,
        swing=1.6,
        bounds_ignored=False,
    ),
    Tenant("initech", "Initech Training", "prod-us-west-2", "standard", "shared", self_heal=False),
    Tenant("umbrella", "Umbrella College", "prod-us-west-2", "premium", "hybrid", demand=2.0),
    Tenant(
        "hooli",
        "Hooli School",
        "prod-us-west-2",
        "standard",
        "shared",
        demand=5.0,
        swing=0.1,
        sizes={"CPU_REQUESTS": "2600m"},
    ),
    Tenant("stark", "Stark Institute", "prod-eu-central-1", "enterprise", "hybrid", demand=3.6),
    Tenant("wayne", "Wayne Foundation", "prod-eu-central-1", "premium", "hybrid", demand=2.4),
    Tenant("wonka", "Wonka Workshops", "prod-eu-central-1", "standard", "shared"),
    Tenant(
        "tyrell",
        "Tyrell Courses",
        "prod-eu-central-1",
        "standard",
        "shared",
        image_of_web=MISSING_TAG,
    ),
    Tenant(
        "cyberdyne", "Cyberdyne Campus", "prod-ap-southeast-1", "enterprise", "hybrid", demand=3.4
    ),
    Tenant("soylent", "Soylent Seminars", "prod-ap-southeast-1", "premium", "hybrid", demand=1.9),
    Tenant("oscorp", "Oscorp Online", "prod-ap-southeast-1", "standard", "shared", demand=1.5),
)

_GROUPS = {
    "mgmt-us-west-2": (nodes.system(3),),
    "prod-us-west-2": (
        nodes.system(1),
        nodes.application(5),
        nodes.application(2, spot=True),
        nodes.database(3),
    ),
    "prod-eu-central-1": (nodes.system(1), nodes.application(4), nodes.database(3)),
    "prod-ap-southeast-1": (nodes.system(1), nodes.application(4), nodes.database(3)),
}


def plant(clusters: dict[str, Cluster]) -> None:
    """Fill the clusters and let them settle, as if they had run for a while."""
    templates = Templates()
    for cluster in clusters.values():
        CLOCK.behind = 90 * DAY
        _platform(cluster)
        CLOCK.behind = 30 * DAY
        nodes.create(cluster.registry, cluster.region, cluster.version, _GROUPS[cluster.context])
        if cluster.context == "prod-ap-southeast-1":
            nodes.break_one(cluster.registry, "database")
    for at, tenant in enumerate(TENANTS):
        CLOCK.behind = (60 - 4 * at) * DAY
        _tenant(clusters[tenant.cluster], tenant, templates, phase=at / len(TENANTS))
    _settle(clusters)
    for tenant in TENANTS:
        if tenant.image_of_web != _APP_VERSION:
            _release_web(clusters[tenant.cluster], tenant.bid, tenant.image_of_web)
    CLOCK.behind = 0
    argocd.plant(clusters["mgmt-us-west-2"].registry, TENANTS, clusters)


def _settle(clusters: dict[str, Cluster]) -> None:
    for step in range(_WARM_UP_STEPS, 0, -1):
        CLOCK.behind = step * _WARM_UP_STEP_SECONDS
        for cluster in clusters.values():
            cluster.world.quiet = step > _EVENTS_FROM_STEP
            cluster.tick()


def _platform(cluster: Cluster) -> None:
    names = ["default", "kube-system", "kube-public", "kube-node-lease", "shifu-ops"]
    names += ["argocd", "monitoring"] if cluster.management else ["monitoring"]
    for name in names:
        cluster.registry.create(NAMESPACE, "", {"metadata": {"name": name}}, GITOPS)
    system = "kube-system"
    _workload(cluster, DAEMON_SET, system, "aws-node", cpu="50m", memory="64Mi")
    _workload(cluster, DAEMON_SET, system, "kube-proxy", cpu="50m", memory="64Mi")
    _workload(cluster, DEPLOYMENT, system, "coredns", cpu="100m", memory="70Mi", replicas=2)
    _workload(cluster, DEPLOYMENT, system, "metrics-server", cpu="100m", memory="200Mi")
    if cluster.management:
        for name in ("server", "repo-server", "applicationset-controller", "redis"):
            _workload(cluster, DEPLOYMENT, "argocd", f"argocd-{name}", cpu="100m", memory="256Mi")
        name = "argocd-application-controller"
        _workload(cluster, STATEFUL_SET, "argocd", name, cpu="250m", memory="1Gi")
        _workload(
            cluster, STATEFUL_SET, "monitoring", "prometheus", cpu="500m", memory="2Gi", replicas=2
        )


def _workload(
    cluster: Cluster,
    kind: Kind,
    namespace: str,
    name: str,
    *,
    cpu: str,
    memory: str,
    replicas: int = 1,
) -> None:
    marks = {"app.kubernetes.io/name": name}
    container = {
        "name": name,
        "image": f"{_REGISTRY}/{name}:1.0.0",
        "resources": {"requests": {"cpu": cpu, "memory": memory}},
    }
    spec: Obj = {
        "selector": {"matchLabels": marks},
        "template": {"metadata": {"labels": marks}, "spec": {"containers": [container]}},
    }
    if kind is DAEMON_SET:
        spec["template"]["spec"]["tolerations"] = [{"operator": "Exists"}]
    else:
        spec["replicas"] = replicas
    if kind is STATEFUL_SET:
        spec["serviceName"] = name
    body = {"metadata": {"name": name, "labels": marks}, "spec": spec}
    cluster.registry.create(kind, namespace, body, GITOPS)


def values(tenant: Tenant, region: str) -> dict[str, Any]:
    """Give what the templates need to know of a tenant."""
    return {
        "TENANT_BID": tenant.bid,
        "DISPLAY_NAME": tenant.display,
        "TENANT_TIER": tenant.tier,
        "ISOLATION_LEVEL": tenant.isolation,
        "REGION": region,
        "ECR_REGISTRY": _REGISTRY,
        "APP_VERSION": _APP_VERSION,
        "DB_SCHEMA": f"ai_shifu_{tenant.bid.replace('-', '_')}",
        "STORAGE_CLASS": "gp3-encrypted",
        **tenant.sizes,
    }


def _tenant(cluster: Cluster, tenant: Tenant, templates: Templates, phase: float) -> None:
    filled = values(tenant, cluster.region)
    kinds = {(kind.api_version, kind.name): kind for kind in cluster.store.kinds}
    for obj in templates.tenant(tenant.tier, tenant.isolation, filled):
        kind = kinds[obj["apiVersion"], obj["kind"]]
        namespace = obj["metadata"].get("namespace", "")
        cluster.registry.create(kind, namespace, obj, GITOPS)
    sizes = {**templates.sizes(tenant.tier), **filled}
    space = f"tenant-{tenant.bid}"
    request = float(quantity(sizes["API_CPU_REQUEST"]))
    cluster.loads.waves[space, "ai-shifu-api"] = Wave(
        tenant.demand * request, tenant.swing * request, phase=phase
    )
    for name, size in (("ai-shifu-web", "WEB"), ("ai-shifu-cook-web", "COOK")):
        request = float(quantity(sizes[f"{size}_CPU_REQUEST"])) * sizes[f"{size}_MIN_REPLICAS"]
        cluster.loads.waves[space, name] = Wave(0.55 * request, 0.1 * request, phase=phase)


def _release_web(cluster: Cluster, bid: str, version: str) -> None:
    release(cluster, f"tenant-{bid}", "ai-shifu-web", version)


def release(cluster: Cluster, namespace: str, name: str, version: str) -> None:
    """Roll a Deployment out in another version, as Argo CD does after a commit."""
    found = cluster.registry.read(DEPLOYMENT, namespace, name)

    def edit(obj: Obj) -> None:
        template = obj["spec"]["template"]
        template["metadata"]["labels"]["version"] = version
        for container in template["spec"]["containers"]:
            container["image"] = f"{container['image'].rpartition(':')[0]}:{version}"

    cluster.registry.change(DEPLOYMENT, found, edit, GITOPS)

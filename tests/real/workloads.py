"""Small workloads and autoscalers for tests and recordings."""

from tests.real.api import Object


def namespace(name: str) -> Object:
    """Return a namespace."""
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def pod_template(app: str, *, cpu: str | None = "100m", fault: str = "") -> Object:
    """Return a pod template; with a fault its pods are in trouble from their start."""
    container: Object = {"name": "main", "image": "ai-shifu-api:v1.4.2"}
    if cpu is not None:
        container["resources"] = {"requests": {"cpu": cpu}}
    metadata: Object = {"labels": {"app": app}}
    spec: Object = {"containers": [container]}
    if fault:
        metadata["annotations"] = {"shifu.test/pod": fault}
    if fault.startswith("init-"):
        spec["initContainers"] = [{"name": "migrate", "image": "ai-shifu-migrate:v1.4.2"}]
    return {"metadata": metadata, "spec": spec}


def deployment(
    where: str, app: str, *, replicas: int = 2, cpu: str | None = "100m", fault: str = ""
) -> Object:
    """Return a Deployment whose pods carry its name as label `app`."""
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": app, "namespace": where},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": app}},
            "template": pod_template(app, cpu=cpu, fault=fault),
        },
    }


def stateful_set(
    where: str, app: str, *, replicas: int = 2, cpu: str | None = "100m", fault: str = ""
) -> Object:
    """Return a StatefulSet whose pods carry its name as label `app`."""
    return {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {"name": app, "namespace": where},
        "spec": {
            "serviceName": app,
            "replicas": replicas,
            "selector": {"matchLabels": {"app": app}},
            "template": pod_template(app, cpu=cpu, fault=fault),
        },
    }


def autoscaler(
    where: str,
    name: str,
    *,
    bounds: tuple[int, int] = (2, 6),
    target: Object | None = None,
    metrics: list[Object] | None = None,
    behavior: Object | None = None,
) -> Object:
    """Return an autoscaler, of the Deployment of its name and on CPU unless told otherwise."""
    spec: Object = {
        "scaleTargetRef": target or {"apiVersion": "apps/v1", "kind": "Deployment", "name": name},
        "minReplicas": bounds[0],
        "maxReplicas": bounds[1],
        "metrics": metrics if metrics is not None else [cpu_metric(50)],
    }
    if behavior is not None:
        spec["behavior"] = behavior
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": name, "namespace": where},
        "spec": spec,
    }


def cpu_metric(percent: int) -> Object:
    """Return a target of CPU in percent of the request."""
    target = {"type": "Utilization", "averageUtilization": percent}
    return {"type": "Resource", "resource": {"name": "cpu", "target": target}}

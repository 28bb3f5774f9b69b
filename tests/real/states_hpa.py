"""Scenarios that bring autoscalers into every state their controller knows."""

import itertools
from collections.abc import Iterator

from tests.real.api import Object
from tests.real.scenario import Change, Deed, Make, Press, Remove, Scenario
from tests.real.workloads import autoscaler, cpu_metric, deployment, stateful_set

_HERE = ""
_APP: Object = {"name": "app"}
_QUIET: Object = {"scaleDown": {"stabilizationWindowSeconds": 0}}


def scenarios() -> Iterator[Scenario]:
    """Return all of them; each in a namespace of its own."""
    yield from _grid()
    yield from _behaviours()
    yield from _metrics()
    yield from _targets()
    yield from _hands()


def _loads(*loads: int, every: float = 25) -> tuple[tuple[float, Deed], ...]:
    return tuple((index * every, Press(total=f"{load}m")) for index, load in enumerate(loads))


def _simple(
    name: str,
    *,
    bounds: tuple[int, int] = (2, 6),
    percent: int = 50,
    behavior: Object | None = None,
    course: tuple[tuple[float, Deed], ...] = (),
    replicas: int = 2,
) -> Scenario:
    scaler = autoscaler(
        _HERE, "app", bounds=bounds, metrics=[cpu_metric(percent)], behavior=behavior
    )
    items = (deployment(_HERE, "app", replicas=replicas), scaler)
    return Scenario(name=name, items=items, course=course)


def _grid() -> Iterator[Scenario]:
    """Vary bounds and target under one course of loads, with and without a window."""
    courses = {"wave": (60, 300, 900, 150, 20), "step": (500, 500, 40, 40, 700)}
    for (low, high), (shape, loads) in itertools.product(
        ((1, 3), (2, 4), (3, 8), (4, 10)), courses.items()
    ):
        for window in (0, 30, None):
            behavior = None
            if window is not None:
                behavior = {"scaleDown": {"stabilizationWindowSeconds": window}}
            yield _simple(
                f"grid-{low}-{high}-{shape}-{'default' if window is None else window}",
                bounds=(low, high),
                behavior=behavior,
                course=_loads(*loads),
            )


def _behaviours() -> Iterator[Scenario]:
    def policy(kind: str, value: int, period: int) -> Object:
        return {"type": kind, "value": value, "periodSeconds": period}

    def rules(side: str, **fields: object) -> Object:
        return {**_QUIET, side: {"stabilizationWindowSeconds": 0, **fields}}

    up, down = _loads(60, 1200, 1200, 1200, 1200), _loads(900, 900, 20, 20, 20)
    slow = [policy("Pods", 1, 60)]
    yield _simple(
        "up-limit-pods", bounds=(2, 10), behavior=rules("scaleUp", policies=slow), course=up
    )
    yield _simple(
        "up-limit-percent",
        bounds=(2, 12),
        behavior=rules("scaleUp", policies=[policy("Percent", 50, 30)]),
        course=up,
    )
    yield _simple(
        "up-limit-smallest",
        bounds=(2, 12),
        behavior=rules("scaleUp", selectPolicy="Min", policies=[policy("Percent", 100, 15), *slow]),
        course=up,
    )
    yield _simple(
        "up-disabled", bounds=(2, 8), behavior=rules("scaleUp", selectPolicy="Disabled"), course=up
    )
    yield _simple(
        "up-stabilised",
        bounds=(2, 8),
        behavior={**_QUIET, "scaleUp": {"stabilizationWindowSeconds": 40}},
        course=_loads(60, 700, 700, 60, 700),
    )
    yield _simple(
        "down-limit-pods", bounds=(2, 8), behavior=rules("scaleDown", policies=slow), course=down
    )
    yield _simple(
        "down-limit-percent",
        bounds=(1, 8),
        behavior=rules("scaleDown", policies=[policy("Percent", 25, 30)]),
        course=down,
    )
    yield _simple(
        "down-disabled",
        bounds=(2, 8),
        behavior=rules("scaleDown", selectPolicy="Disabled"),
        course=down,
    )
    yield _simple(
        "down-stabilised",
        bounds=(2, 8),
        behavior={"scaleDown": {"stabilizationWindowSeconds": 45}},
        course=down,
    )
    yield _simple(
        "flapping",
        bounds=(2, 9),
        behavior=_QUIET,
        course=_loads(800, 60, 800, 60, 800, 60, 800, every=20),
    )
    yield _simple("fixed", bounds=(3, 3), course=_loads(60, 150, 900, 20))
    yield _simple("one", bounds=(1, 1), replicas=1, course=_loads(10, 50, 300))
    yield _simple("raised", bounds=(2, 4), behavior=_QUIET, course=_raised())


def _raised() -> tuple[tuple[float, Deed], ...]:
    wider = Change("horizontalpodautoscalers/app", {"spec": {"maxReplicas": 9}})
    lower = Change("horizontalpodautoscalers/app", {"spec": {"maxReplicas": 3}})
    higher = Change("horizontalpodautoscalers/app", {"spec": {"minReplicas": 5, "maxReplicas": 9}})
    load = Press(total="400m")
    return ((0, load), (45, wider), (75, lower), (100, higher))


def _metrics() -> Iterator[Scenario]:
    def on(
        name: str, metrics: list[Object], *loads: int, cpu: str | None = "100m", fault: str = ""
    ) -> Scenario:
        items = (
            deployment(_HERE, "app", cpu=cpu, fault=fault),
            autoscaler(_HERE, "app", metrics=metrics, behavior=_QUIET),
        )
        return Scenario(name=name, items=items, course=_loads(*(loads or (80, 400, 60))))

    def value(quantity: str) -> Object:
        return {"type": "AverageValue", "averageValue": quantity}

    def resource(name: str, target: Object) -> Object:
        return {"type": "Resource", "resource": {"name": name, "target": target}}

    def container(name: str) -> Object:
        target = {"type": "Utilization", "averageUtilization": 50}
        fields = {"name": "cpu", "container": name, "target": target}
        return {"type": "ContainerResource", "containerResource": fields}

    pods = {"type": "Pods", "pods": {"metric": {"name": "request_rate"}, "target": value("100")}}
    queue = {"metric": {"name": "queue_length"}, "target": {"type": "Value", "value": "30"}}
    external = {"type": "External", "external": queue}
    about = {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "name": "ai-shifu"}
    single = {"type": "Object", "object": {**queue, "describedObject": about}}
    cpu = cpu_metric(50)
    share = {"type": "Utilization", "averageUtilization": 80}
    yield on("cpu-value", [resource("cpu", value("60m"))], 80, 400, 30)
    yield on("memory-value", [resource("memory", value("100Mi"))])
    yield on("memory-no-request", [resource("memory", share)])
    yield on("cpu-and-memory", [cpu, resource("memory", value("100Mi"))], 80, 400, 30)
    yield on("container", [container("main")], 80, 400, 30)
    yield on("container-missing", [container("sidecar")])
    yield on("no-request", [cpu], cpu=None)
    yield on("no-adapter-pods", [pods])
    yield on("no-adapter-external", [external])
    yield on("no-adapter-object", [single])
    yield on("part-fails-up", [cpu, pods], 800, 800, 800)
    yield on("part-fails-hold", [cpu, external], 100, 100, 100)
    yield on("part-fails-down", [cpu, single], 400, 20, 20)
    yield on("part-fails-first", [pods, cpu], 100, 800, 20)
    yield on("all-fail", [pods, external, single])
    for fault in ("crash-loop", "unready", "image-pull", "init-crash"):
        yield on(f"pods-{fault}", [cpu], fault=fault)


def _targets() -> Iterator[Scenario]:
    def aimed(name: str, target: Object, *items: Object) -> Scenario:
        scaler = autoscaler(_HERE, "app", target=target, behavior=_QUIET)
        return Scenario(name=name, items=(*items, scaler), course=_loads(80, 500, 40))

    def apps(kind: str) -> Object:
        return {"apiVersion": "apps/v1", "kind": kind, "name": "app"}

    one = deployment(_HERE, "app")
    other = deployment(_HERE, "twin")
    other["spec"]["selector"] = one["spec"]["selector"]
    other["spec"]["template"] = one["spec"]["template"]
    yield aimed("target-missing", apps("Deployment"))
    yield aimed("target-wrong-kind", apps("DaemonSet"))
    yield aimed("target-unknown-kind", {"apiVersion": "shifu.test/v1", "kind": "Gadget"} | _APP)
    yield aimed("target-stateful", apps("StatefulSet"), stateful_set(_HERE, "app"))
    yield Scenario(
        name="target-comes-and-goes",
        items=(autoscaler(_HERE, "app"),),
        course=((20, Make(one)), (60, Remove("deployments/app"))),
    )
    yield Scenario(
        name="two-on-one-target",
        items=(
            one,
            autoscaler(_HERE, "app"),
            autoscaler(_HERE, "rival", target=apps("Deployment")),
        ),
        course=_loads(100),
    )
    yield Scenario(
        name="selectors-overlap",
        items=(one, other, autoscaler(_HERE, "app"), autoscaler(_HERE, "twin")),
        course=_loads(100),
    )
    widget = {"apiVersion": "shifu.test/v1", "kind": "Widget", "spec": {"replicas": 2}}
    yield aimed(
        "target-without-selector",
        {"apiVersion": "shifu.test/v1", "kind": "Widget"} | _APP,
        {**widget, "metadata": {"name": "app", "namespace": _HERE}},
    )
    big = deployment(_HERE, "app", cpu="3")
    yield Scenario(
        name="target-does-not-fit",
        items=(big, autoscaler(_HERE, "app", bounds=(2, 30))),
        course=_loads(60_000),
    )


def _hands() -> Iterator[Scenario]:
    def by_hand(replicas: int) -> Change:
        return Change("deployments/app/scale", {"spec": {"replicas": replicas}}, "kubectl")

    busy: tuple[float, Deed] = (0, Press(total="200m"))
    yield _simple("off", course=(busy, (35, by_hand(0)), (65, by_hand(2)), (95, by_hand(0))))
    yield _simple("born-off", replicas=0)
    yield _simple("above-by-hand", course=(busy, (35, by_hand(9)), (65, by_hand(12))))
    yield _simple("below-by-hand", bounds=(4, 8), course=(busy, (35, by_hand(1))))
    yield _simple("born-above", replicas=9, course=(busy,))
    yield _simple("born-below", bounds=(4, 8), replicas=1, course=(busy,))
    yield _late("write-refused", bounds=(2, 6), total="900m")
    yield _late("write-refused-later", bounds=(2, 9), total="500m")


def _late(name: str, *, bounds: tuple[int, int], total: str) -> Scenario:
    """Make the autoscaler when there are metrics: its first complaints would fill the events.

    A controller's events about one object are dropped when there are more than 25 in a burst.
    """
    scaler = Make(autoscaler(_HERE, "app", bounds=bounds, behavior=_QUIET))
    course: tuple[tuple[float, Deed], ...] = ((0, Press(total=total)), (40, scaler))
    return Scenario(name=name, items=(deployment(_HERE, "app"),), course=course)


def refusal() -> list[Object]:
    """Return a policy that refuses to scale in the namespaces named `write-refused…`."""
    name = "scale-refused"
    version = "admissionregistration.k8s.io/v1"
    policy = {
        "failurePolicy": "Fail",
        "matchConstraints": {
            "resourceRules": [
                {
                    "apiGroups": ["apps"],
                    "apiVersions": ["v1"],
                    "operations": ["UPDATE"],
                    "resources": ["deployments/scale"],
                }
            ]
        },
        "validations": [
            {
                "expression": "!request.namespace.startsWith('write-refused')"
                " || (request.namespace.endsWith('later') && object.spec.replicas < 7)",
                "message": "scaling is frozen in this namespace",
            }
        ],
    }
    binding = {"policyName": name, "validationActions": ["Deny"]}
    return [
        {
            "apiVersion": version,
            "kind": "ValidatingAdmissionPolicy",
            "metadata": {"name": name},
            "spec": policy,
        },
        {
            "apiVersion": version,
            "kind": "ValidatingAdmissionPolicyBinding",
            "metadata": {"name": name},
            "spec": binding,
        },
    ]


def widgets() -> Object:
    """Return a definition of objects that scale but have no selector."""
    replicas = {"type": "object", "properties": {"replicas": {"type": "integer"}}}
    schema = {"type": "object", "properties": {"spec": replicas, "status": replicas}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "widgets.shifu.test"},
        "spec": {
            "group": "shifu.test",
            "scope": "Namespaced",
            "names": {"kind": "Widget", "plural": "widgets", "singular": "widget"},
            "versions": [
                {
                    "name": "v1",
                    "served": True,
                    "storage": True,
                    "schema": {"openAPIV3Schema": schema},
                    "subresources": {
                        "status": {},
                        "scale": {
                            "specReplicasPath": ".spec.replicas",
                            "statusReplicasPath": ".status.replicas",
                        },
                    },
                }
            ],
        },
    }

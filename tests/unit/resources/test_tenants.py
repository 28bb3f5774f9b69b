"""Namespaces, quotas and tenants: what is used, what blocks, and the worst of the parts."""

from typing import Any

import pytest

from console.record import Tone
from console.resources import views
from console.store import SourceState
from tests.unit.resources.world import (
    CLUSTER,
    Json,
    World,
    ago,
    condition,
    deployment,
    hpa,
    merged,
    meta,
    scaling,
)

LABELS = {"ai-shifu.io/tenant": "acme", "ai-shifu.io/tier": "premium"}


def namespace(changes: Json | None = None, name: str = "tenant-acme") -> Json:
    wire: Json = {
        "metadata": meta(name, namespace="", labels=LABELS),
        "status": {"phase": "Active"},
    }
    return merged(wire, changes or {})


def quota(used: Json, hard: Json) -> Json:
    return {
        "metadata": meta("tenant-quota"),
        "spec": {"hard": hard},
        "status": {"hard": hard, "used": used},
    }


QUOTAS = [
    ("OK", Tone.OK, {"pods": "8"}, {"pods": "10"}),
    ("TIGHT", Tone.WARN, {"pods": "9"}, {"pods": "10"}),
    ("FULL", Tone.BAD, {"pods": "10"}, {"pods": "10"}),
    ("FULL", Tone.BAD, {"pods": "11"}, {"pods": "10"}),
    ("OK", Tone.OK, {"services.loadbalancers": "0"}, {"services.loadbalancers": "0"}),
    ("OK", Tone.OK, {"requests.cpu": "6299m"}, {"requests.cpu": "7"}),
    ("TIGHT", Tone.WARN, {"requests.cpu": "6300m"}, {"requests.cpu": "7"}),
    ("FULL", Tone.BAD, {"requests.memory": "14336Mi"}, {"requests.memory": "14Gi"}),
    ("UNKNOWN", Tone.UNKNOWN, {}, {"pods": "10"}),
    ("FULL", Tone.BAD, {"pods": "10", "requests.cpu": "1"}, {"pods": "10", "requests.cpu": "7"}),
]


@pytest.mark.parametrize(("text", "tone", "used", "hard"), QUOTAS)
def test_quota_word_is_its_tightest_dimension(
    text: str, tone: Tone, used: Json, hard: Json
) -> None:
    world = World()
    word = world.word(world.put("quota", quota(used, hard)))
    assert (word.text, word.tone) == (text, tone)


def test_unreported_use_is_unknown_not_zero() -> None:
    record = World().put("quota", quota({}, {"pods": "10"}))
    assert record.dimensions[0].used == "?"
    assert record.dimensions[0].share is None


def test_namespace_tells_of_its_quota() -> None:
    world = World()
    record = world.put("namespace", namespace())
    assert world.word(record).text == "ACTIVE"
    world.put("quota", quota({"pods": "10"}, {"pods": "10"}))
    assert (world.word(record).text, world.word(record).tone) == ("QUOTA FULL", Tone.BAD)
    assert "pods 10/10" in world.word(record).reason


def terminating(age: float, *conditions: Json) -> Json:
    return namespace(
        {
            "metadata": {"deletionTimestamp": ago(age)},
            "status": {"phase": "Terminating", "conditions": list(conditions)},
        }
    )


CONTENT = condition("NamespaceContentRemaining", "True", message="pods. has 1 resource instances")
FINALIZERS = condition("NamespaceFinalizersRemaining", "True", message="x/y in 1 instances")
GONE = condition("NamespaceContentRemaining", "False")

TERMINATING = [
    (Tone.PROGRESS, "", terminating(600)),
    (Tone.PROGRESS, "", terminating(600, GONE)),
    (Tone.PROGRESS, "pods. has 1", terminating(59, CONTENT)),
    (Tone.BAD, "pods. has 1", terminating(61, CONTENT)),
    (Tone.BAD, "x/y in 1", terminating(600, CONTENT, FINALIZERS)),
]


@pytest.mark.parametrize(("tone", "said", "wire"), TERMINATING)
def test_terminating_namespace_names_its_blocker(tone: Tone, said: str, wire: Json) -> None:
    world = World()
    word = world.word(world.put("namespace", wire))
    assert (word.text, word.tone) == ("TERMINATING", tone)
    assert said in word.reason


def tenants(world: World) -> list[Any]:
    return list(views()["tenant"].records(world.look))


@pytest.mark.parametrize(
    ("labels", "bid", "tier"),
    [
        ({"ai-shifu.io/tenant": "acme", "ai-shifu.io/tier": "premium"}, "acme", "premium"),
        ({"tenant": "acme", "tier": "standard"}, "acme", "standard"),
        ({"ai-shifu.io/tenant": "acme", "tenant": "other", "tier": "premium"}, "acme", "premium"),
    ],
)
def test_tenant_is_told_by_prefixed_or_plain_labels(labels: Json, bid: str, tier: str) -> None:
    world = World()
    world.put("namespace", merged(namespace(), {"metadata": {"labels": None}}) | {})
    world.put(
        "namespace", {**namespace(), "metadata": {**meta("ns", namespace=""), "labels": labels}}
    )
    (found,) = tenants(world)
    assert (found.bid, found.tier) == (bid, tier)
    assert (found.key.cluster, found.key.namespace, found.key.name) == (CLUSTER, "ns", bid)


def test_namespace_without_a_tenant_label_is_no_tenant() -> None:
    world = World()
    world.put("namespace", merged(namespace(), {"metadata": {"labels": None}}))
    assert tenants(world) == []


def test_tenant_word_is_the_worst_of_its_parts_and_names_the_part() -> None:
    world = World()
    world.put("namespace", namespace())
    world.put("deployment", deployment())
    (found,) = tenants(world)
    assert world.word(found).text == "OK"
    limited = scaling(limited=("True", "TooManyReplicas"))
    counts = {"currentReplicas": 10, "desiredReplicas": 10, "conditions": limited}
    world.put("hpa", hpa({"status": counts}, cpu=140))
    word = world.word(found)
    assert (word.text, word.tone) == ("PINNED MAX", Tone.BAD)
    assert word.reason.startswith("hpa/api: wants 20, max 10")


def test_parts_of_another_tenant_do_not_count() -> None:
    world = World()
    world.put("namespace", namespace())
    failing = {"metadata": {"namespace": "tenant-globex"}, "status": {"availableReplicas": 0}}
    world.put("deployment", deployment("api", failing))
    (found,) = tenants(world)
    assert world.word(found).text == "OK"


def test_quiet_parts_do_not_hide_a_good_word() -> None:
    world = World()
    world.put("namespace", namespace())
    world.put("deployment", deployment())
    world.put("hpa", hpa({"status": {"currentReplicas": 2, "desiredReplicas": 2}}))
    world.put("deployment", deployment("api", {"spec": {"replicas": 5}}))
    (found,) = tenants(world)
    assert world.word(found).tone in (Tone.OK, Tone.PROGRESS)


@pytest.mark.parametrize(
    ("state", "text", "tone"),
    [
        (SourceState.WAITING, "LOADING", Tone.PROGRESS),
        (SourceState.FAILING, "UNKNOWN", Tone.UNKNOWN),
        (SourceState.FORBIDDEN, "OK", Tone.OK),
    ],
)
def test_parts_that_were_not_read_are_never_called_fine(
    state: SourceState, text: str, tone: Tone
) -> None:
    world = World()
    world.put("namespace", namespace())
    world.read("hpa", state, read_for=None)
    (found,) = tenants(world)
    word = world.word(found)
    assert (word.text, word.tone) == (text, tone)
    assert "hpa" in word.reason


def test_tenant_gathers_its_neighbours() -> None:
    world = World()
    world.put("namespace", namespace())
    world.put("deployment", deployment())
    world.put("hpa", hpa())
    world.put("quota", quota({"pods": "1"}, {"pods": "10"}))
    (found,) = tenants(world)
    related = views()["tenant"].related
    assert related is not None
    kinds = [record.key.kind for record in related(found, world.look)]
    assert kinds == ["namespace", "deployment", "hpa", "quota"]

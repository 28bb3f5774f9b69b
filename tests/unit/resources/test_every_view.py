"""What holds for every kind: odd JSON is survived, cells and JSON can be made."""

import json
from typing import Any

import msgspec
import pytest

from console.cli.output import item
from console.record import Record, Word
from console.resources import aliases, views
from tests.unit.resources.world import CLUSTER, World, deployment, hpa, pod

READ = [view for view in views().values() if view.source is not None]


def nulled(shape: Any) -> Any:
    """Return JSON in which every optional field of a struct is null."""
    if isinstance(shape, type) and issubclass(shape, msgspec.Struct):
        fields = msgspec.structs.fields(shape)
        return {field.encode_name: _null(field) for field in fields}
    return None


def _null(field: Any) -> Any:
    if isinstance(field.type, type) and issubclass(field.type, msgspec.Struct):
        return nulled(field.type)
    return "" if field.type is str else None


@pytest.mark.parametrize("view", READ, ids=lambda view: view.kind)
def test_object_without_a_name_gives_no_record(view: Any) -> None:
    for text in ("{}", '{"metadata": {}}', '{"metadata": {"name": ""}}'):
        assert (
            view.source.flatten(CLUSTER, msgspec.json.decode(text, type=view.source.wire)) is None
        )


@pytest.mark.parametrize("view", READ, ids=lambda view: view.kind)
def test_nulls_and_absent_fields_are_survived(view: Any) -> None:
    world = World()
    for wire in ({"metadata": {"name": "x"}}, nulled(view.source.wire)):
        wire.setdefault("metadata", {})["name"] = "x"
        record = world.put(view.kind, wire)
        cells = [column.text(record, world.look) for column in view.columns]
        assert all(isinstance(cell, str | Word) for cell in cells)
        assert view.word(record, world.look).text


@pytest.mark.parametrize("view", READ, ids=lambda view: view.kind)
def test_unknown_fields_are_ignored(view: Any) -> None:
    wire = {"metadata": {"name": "x", "brandNew": [1]}, "extra": {"a": 1}}
    assert World().put(view.kind, wire).key.name == "x"


@pytest.mark.parametrize("view", list(views().values()), ids=lambda view: view.kind)
def test_columns_have_distinct_titles_and_a_state(view: Any) -> None:
    titles = [column.title for column in view.columns]
    assert len(titles) == len(set(titles))
    assert "State" in titles


def test_no_name_means_two_kinds() -> None:
    names = [name for view in views().values() for name in (view.kind, *view.aliases)]
    assert len(names) == len(set(names))
    assert aliases()["hpas"] == "hpa"


@pytest.mark.parametrize(
    ("kind", "wire"), [("pod", pod("a")), ("deployment", deployment()), ("hpa", hpa())]
)
def test_facts_neighbours_and_json_can_be_made(kind: str, wire: dict[str, Any]) -> None:
    world = World()
    world.put("hpa", hpa())
    world.put("deployment", deployment())
    world.put("pod", pod("api-7d4-x"))
    record = world.put(kind, wire)
    view = views()[kind]
    assert view.facts is not None
    assert view.related is not None
    assert dict(view.facts(record, world.look))["State"]
    assert all(isinstance(one, Record) for one in view.related(record, world.look))
    shown = item(view, record, world.look)
    assert json.loads(json.dumps(shown))["cluster"] == CLUSTER
    assert shown["observedAt"] == "2026-11-23T12:00:00.000Z"
    assert shown["freshness"] == "fresh"


def test_neighbours_lead_from_autoscaler_to_workload_to_pod_and_back() -> None:
    world = World()
    scaler, target = world.put("hpa", hpa()), world.put("deployment", deployment())
    replica = world.put("pod", pod("api-7d4-x"))

    def names(record: Record) -> list[str]:
        related = views()[record.key.kind].related
        assert related is not None
        return [str(one.key) for one in related(record, world.look)]

    assert str(target.key) in names(scaler)
    assert str(scaler.key) in names(target)
    assert str(replica.key) in names(target)
    assert str(target.key) in names(replica)

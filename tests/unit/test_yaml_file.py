from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from console.errors import ConfigError
from console.inventory import load
from console.yaml_file import YamlFile


class Door(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    width: int = 0
    label: str | None = None


class House(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    doors: dict[str, tuple[Door, ...]] = {}


def refused(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        YamlFile(text, path="house", error=ConfigError).decode(House)
    return str(caught.value)


def test_a_document_becomes_structs() -> None:
    file = YamlFile("doors:\n  east: [{width: 2}]\n", path="house", error=ConfigError)
    assert file.decode(House) == House(doors={"east": (Door(width=2),)})


def test_lines_lead_to_values_keys_and_what_is_above_the_absent() -> None:
    file = YamlFile("a:\n  - b\n  -\n    c: 1\n", path="x", error=ConfigError)
    assert file.line("a") == 2
    assert file.line("a", key=True) == 1
    assert file.line("a", 1, "c") == 4
    assert file.line("a", 7) == 2
    assert file.line("zzz", "y") == 1


def test_a_value_below_any_key_is_refused_at_the_nearest_known_line() -> None:
    assert refused("doors:\n  east:\n  - width: wide\n").startswith("house:2: doors: expected")


def test_an_unknown_key_below_any_key_is_told() -> None:
    assert "unknown key 'widht'" in refused("doors: {east: [{widht: 2}]}")


def test_times_and_dates_stay_as_written() -> None:
    file = YamlFile("a: 2026-01-02\nb: 2026-01-02T03:04:05Z", path="x", error=ConfigError)
    assert file.value == {"a": "2026-01-02", "b": "2026-01-02T03:04:05Z"}


@pytest.mark.parametrize(
    "text", ["a: !!python/object:os.system {}", "!secret x", "a: 1\n---\nb: 2"]
)
def test_tags_and_second_documents_are_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        YamlFile(text, path="x", error=ConfigError)


KEYS = [
    *("clusters", "contexts", "users", "name", "cluster", "context", "user", "server", "guards"),
    *("freezes", "from", "exec", "env", "command", "extensions", "alias"),
]
TREES = some.recursive(
    some.none() | some.booleans() | some.integers() | some.text(max_size=8),
    lambda inner: (
        some.lists(inner, max_size=3)
        | some.dictionaries(some.sampled_from(KEYS), inner, max_size=4)
    ),
    max_leaves=20,
)


def try_both(folder: Path, content: bytes) -> None:
    """Read something as kubeconfig and as fleet.yaml; only ConfigErrors may come of it."""
    (folder / "odd").write_bytes(content)
    (folder / "fine").write_text(
        "clusters: [{name: a, cluster: {server: 'https://h'}}]\n"
        "contexts: [{name: a, context: {cluster: a}}]\n"
    )
    for kubeconfig, fleet in (("odd", "empty"), ("fine", "odd")):
        (folder / "empty").touch()
        with suppress(ConfigError):
            load(kubeconfig=str(folder / kubeconfig), fleet_file=str(folder / fleet), environ={})


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(some.binary(max_size=200))
def test_any_bytes_are_read_or_refused(tmp_path: Path, content: bytes) -> None:
    try_both(tmp_path, content)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(TREES)
def test_any_tree_is_read_or_refused(tmp_path: Path, tree: Any) -> None:
    try_both(tmp_path, yaml.safe_dump(tree).encode())

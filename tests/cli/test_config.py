import json
from pathlib import Path

import msgspec
import pytest
import yaml

from console.cli.schemas import SCHEMAS
from console.config import FleetFile
from tests.cli.conftest import Program


def test_view_shows_each_value_with_its_origin(program: Program) -> None:
    code, text = program.run("--read-only", "config", "view")
    assert code == 0
    lines = [line.strip() for line in text.splitlines()]
    assert "readOnly: true  # --read-only" in lines
    assert "requestTimeout: 10.0  # default" in lines
    assert f"kubeconfig: [{program.kubeconfig}]  # --kubeconfig" in lines
    assert f"role: tenant  # {program.fleet}:4" in lines
    assert "region: us-west-2  # derived from the context name" in lines
    assert f"server: https://127.0.0.1:1  # {program.kubeconfig}:2" in lines
    assert f"readOnly: true  # {program.fleet}:7" in lines
    assert "clockSkewSeconds: 60.0  # default" in lines


def test_view_is_yaml_that_says_the_same_as_its_json(program: Program) -> None:
    plain = yaml.safe_load(program.run("config", "view")[1])
    told = program.json("config", "view", "-o", "json")
    assert told["clusters"]["usw2"]["role"] == {"value": "tenant", "origin": f"{program.fleet}:4"}

    def values(tree: dict[str, dict[str, object]]) -> object:
        if set(tree) == {"value", "origin"}:
            return tree["value"]
        return {name: values(inner) for name, inner in tree.items()}  # type: ignore[arg-type]

    assert values(told) == plain


def test_view_shows_no_secret(program: Program) -> None:
    for output in ("yaml", "json"):
        assert "hunter2" not in program.run("config", "view", "-o", output)[1]


def test_a_wrong_setting_ends_with_exit_2_and_its_line(program: Program) -> None:
    program.fleet.write_text("clusters:\n- contxt: lab\n")
    code, text = program.run("config", "view")
    assert (code, text) == (2, "")
    assert program.errors == (
        f"shifu-console: {program.fleet}:2: unknown key 'contxt' in clusters[0]"
        " (did you mean 'context'?)\n"
    )


def test_the_schema_describes_every_field(program: Program) -> None:
    schema = program.json("config", "schema")
    assert schema["title"] == "shifu-console fleet.yaml"
    for name, shape in schema["$defs"].items():
        for field, declared in shape.get("properties", {}).items():
            assert declared.get("description"), f"{name}.{field}"


def test_the_schema_allows_what_the_reader_allows() -> None:
    shape = SCHEMAS["fleet"]()["$defs"]["FleetFile"]
    fields = {field.encode_name for field in msgspec.structs.fields(FleetFile)}
    assert set(shape["properties"]) == fields
    assert shape["additionalProperties"] is False


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_schema_can_be_printed(program: Program, name: str) -> None:
    schema = program.json("config", "schema", name)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_an_unknown_schema_is_refused_with_the_known_ones(program: Program) -> None:
    code, _ = program.run("config", "schema", "flet")
    assert code == 2
    assert "'fleet'" in program.errors


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script_that_calls_back(program: Program, shell: str) -> None:
    code, text = program.run("completion", shell)
    assert code == 0
    assert f"_SHIFU_CONSOLE_COMPLETE={shell}_complete" in text


def test_version_tells_program_and_libraries(program: Program) -> None:
    assert program.run("version")[1].startswith("shifu-console ")
    told = json.loads(program.run("version", "-o", "json")[1])
    assert set(told) == {"version", "python", "platform", "libraries"}


def test_nothing_is_written_where_the_settings_are(program: Program, tmp_path: Path) -> None:
    program.run("config", "view")
    assert {path.name for path in tmp_path.iterdir()} == {"kubeconfig", "fleet.yaml"}

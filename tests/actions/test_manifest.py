"""Manifests are read strictly; what is wrong is named with file, line and nearest word."""

import re
from pathlib import Path

import pytest

from actions.manifest import Catalogue, bundled, parse
from console.errors import ConfigError, ManifestError

TEXT = (bundled() / "scale-tenant.yaml").read_text()


def changed(old: str, new: str) -> str:
    assert old in TEXT
    return TEXT.replace(old, new, 1)


def test_the_bundled_actions_are_sound() -> None:
    catalogue = Catalogue([bundled()])
    assert not catalogue.broken
    for manifest in catalogue.manifests.values():
        manifest.check_syntax()
        assert manifest.not_carried_out() == []


WRONG = [
    ("risk: change", "rick: change", r":4: unknown key 'rick'.*did you mean 'risk'"),
    ("risk: change", "risk: mild", r":4: .*mild"),
    ("target: tenant", "target: tennant", r":5: .*tennant"),
    ("kind: Action", "kind: Runbook", r":2: kind 'Runbook' is not known"),
    ("shifu.console/v1", "shifu.console/v2", r":1: apiVersion"),
    ("{type: int, min: 1, max: 100", "{type: int, mim: 1", r":8: unknown key 'mim'.*'min'"),
    ("type: int, min: 1", "type: int, min: [1]", r":8: inputs\.min"),
    ("default: api", "default: apo", r":7: inputs\.component: the default 'apo'"),
    ("type: enum, choices", "type: string, choices", r":7: inputs\.component: choices"),
    ("required: true", "required: true, default: x", r":10: inputs\.reason: a required input"),
    ("  reason: {", "  context: {", r":10: an input cannot be called 'context'"),
    ("tenant/${{ target.bid }}", "${{ target.bidd }}", r"'target.bidd'.*did you mean 'target.bid'"),
    ("inputs.min <= inputs.max", "inputs.mni <= 1", r"'inputs.mni'.*did you mean 'inputs.min'"),
    ("inputs.min <= inputs.max", "input.min <= 1", r"'input' is not a name.*'inputs'"),
    ("check: quota.fits", "check: quota.fit", r"no check is called 'quota.fit'.*'quota.fits'"),
    ("uses: hpa.bounds", "uses: hpa.bound", r"no step type is called 'hpa.bound'.*'hpa.bounds'"),
    ("steps.bounds.outputs", "steps.bound.outputs", r"'steps.bound'.*did you mean 'steps.bounds'"),
    ("within: 3m", "within: soon", r"'soon' is not a duration"),
    ("restore: bounds", "restore: limits", r"there is no step 'limits' to restore"),
    ('message: "min', 'massage: "min', r"unknown key 'massage'.*'message'"),
    ("undo: {uses: hpa.bounds, with: {restore: bounds}}", "", r"writes and has no undo"),
    ("onCancel: undo", "onCancel: explode", r"explode"),
    ("timeout: 15m", "timeout: [1]", r"timeout"),
    ("- id: bounds", "- id: 'two words'", r"the step id 'two words'"),
    ("limit: 3,", "limit: 3, on: [luck],", r"no reason to retry is called 'luck'"),
]


@pytest.mark.parametrize(("old", "new", "said"), WRONG, ids=[entry[1][:30] for entry in WRONG])
def test_a_wrong_manifest_is_refused_where_it_is_wrong(old: str, new: str, said: str) -> None:
    with pytest.raises(ManifestError) as caught:
        parse(changed(old, new), path="mine.yaml")
    assert re.search(said, str(caught.value)), str(caught.value)
    assert str(caught.value).startswith("mine.yaml:")


def test_what_disrupts_has_to_be_confirmed_by_a_word() -> None:
    text = changed("risk: change", "risk: disruptive")
    text = "".join(line for line in text.splitlines(True) if not line.startswith("confirm"))
    with pytest.raises(ManifestError, match="has to say what is typed"):
        parse(text, path="mine.yaml")


def test_what_is_retried_can_be_said() -> None:
    manifest = parse(changed("limit: 3,", "limit: 3, on: [timeout],"), path="mine.yaml")
    assert manifest.document.steps[0].retry.on == ("timeout",)


def test_an_expression_that_is_not_cel_is_refused_before_anything_is_asked() -> None:
    manifest = parse(changed("inputs.min <= inputs.max", "inputs.min <="), path="mine.yaml")
    with pytest.raises(ManifestError, match="not CEL"):
        manifest.check_syntax()


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("confirm: {", "confirm: {approvers: {count: 2}, ", "confirm.approvers"),
        ("check: quota.fits", "override: typed, check: quota.fits", "require[1].override"),
        ("{type: string, required", "{type: secret, required", "inputs.reason of type secret"),
        ("{type: string, required", "{type: backup, required", "inputs.reason of type backup"),
    ],
)
def test_what_is_not_carried_out_yet_is_accepted_and_named(old: str, new: str, named: str) -> None:
    text = changed(old, new)
    assert named in parse(text, path="mine.yaml").not_carried_out()


def test_every_key_of_the_schema_is_accepted() -> None:
    text = changed("onCancel: undo", "let: {name: '${{ target.bid }}-x'}\nonCancel: pause")
    text = text.replace(
        "    uses: hpa.bounds\n",
        "    uses: hpa.bounds\n    if: 'inputs.max > 1'\n    timeout: 30s\n    onFailure: pause\n"
        "    pointOfNoReturn: false\n"
        "    verify: [{check: workload.ready, with: {component: api}, hold: 1s}]\n",
    )
    text += "always:\n  - {id: last, uses: hpa.bounds, if: 'inputs.max > 99'}\n"
    manifest = parse(text, path="mine.yaml")
    manifest.check_syntax()
    assert manifest.not_carried_out() == []


def test_an_operators_broken_file_breaks_only_itself(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("kind: [")
    catalogue = Catalogue([bundled(), tmp_path])
    assert catalogue.named("scale-tenant").version == 1
    with pytest.raises(ManifestError, match=r"mine\.yaml"):
        catalogue.named("mine")


def test_an_operators_file_cannot_replace_a_bundled_action(tmp_path: Path) -> None:
    (tmp_path / "other.yaml").write_text(TEXT)
    catalogue = Catalogue([bundled(), tmp_path])
    assert catalogue.named("scale-tenant").path.startswith(str(bundled()))
    assert "exists already" in str(catalogue.broken["other"])


def test_an_unknown_action_names_the_nearest() -> None:
    with pytest.raises(ConfigError, match="did you mean scale-tenant"):
        Catalogue([bundled()]).named("scale-tenent")

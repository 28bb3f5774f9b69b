"""The way of an action on the screens: choose it, fill it in, read its plan, type, watch it run."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from textual.notifications import SeverityLevel

from console.errors import ConfigError, ConsoleError
from console.fleet_text import nearest
from console.record import Key, Record
from console.redact import printable
from console.resources import view_named
from console.store import Snapshot
from screens.form import FormScreen
from screens.picker import Choice, PickerScreen
from screens.plan import PlanScreen
from screens.run import RunScreen

if TYPE_CHECKING:
    from actions.desk import Desk
    from actions.manifest import Manifest
    from screens.app import ShifuApp

_BOUNDS = {"min": "min_replicas", "max": "max_replicas"}
_LABELS = ("app.kubernetes.io/component", "ai-shifu.io/component", "component")
_COMPONENTS = ("cook-web", "api", "web")
"""Longest first: ai-shifu-cook-web also ends with web."""


async def start_action(
    app: "ShifuApp",
    action: str | None,
    targets: list[Record],
    given: Mapping[str, Any] | None = None,
) -> None:
    """Lead a person from what the cursor is on to a run; returns at once.

    `given` fills fields of the form beforehand, as `:run scale-tenant max=12` says them.
    """
    if app.desk is None:
        _tell(app, "still reading the configuration; try again in a moment", severity="warning")
    elif len(targets) != 1:
        said = f"{len(targets)} are marked" if targets else "nothing is chosen"
        _tell(app, f"{said}; an action takes one target at a time", severity="warning")
    else:
        app.run_worker(
            _lead(app, app.desk, action, targets[0], given or {}),
            group="act",
            exit_on_error=False,
        )


async def _lead(
    app: "ShifuApp", desk: "Desk", action: str | None, record: Record, given: Mapping[str, Any]
) -> None:
    try:
        name = action or await _choose(app, desk, record)
        manifest = next((each for each in desk.catalogue() if each.name == name), None)
        if manifest is None:
            if name is not None:
                _tell(app, f"no action is called {name}", severity="error")
            return
        target = target_of(manifest, record, app.look)
        if target is None:
            _tell(app, _no_target(manifest, record), severity="error")
            return
        check_given(manifest, given)
        run_id = await _prepare(app, manifest, target, {**prefilled(manifest, record), **given})
    except ConsoleError as error:
        _tell(app, printable(str(error)), severity="error")
        return
    if run_id is not None:
        app.push_screen(RunScreen(run_id))


async def _prepare(
    app: "ShifuApp", manifest: "Manifest", target: Key, given: dict[str, Any]
) -> str | None:
    """Go between form and plan until it runs or the form is left."""
    while True:
        form = FormScreen(
            manifest,
            target,
            given=given,
            current=lambda texts: current_values(manifest, target, texts, app.look),
        )
        values = await app.push_screen_wait(form)
        if values is None:
            return None
        run_id = await app.push_screen_wait(PlanScreen(manifest.name, target, values))
        if run_id is not None:
            return run_id
        given = values


async def _choose(app: "ShifuApp", desk: "Desk", record: Record) -> str | None:
    manifests = offered(desk.catalogue(), record)
    if not manifests:
        _tell(app, f"no action takes a {record.key.kind}", severity="warning")
        return None
    shut = app.fleet.read_only_reason(record.key.cluster) if app.fleet else ""
    choices = [
        Choice(
            name=manifest.name,
            title=manifest.title,
            risk=str(manifest.risk),
            refusal=shut or _refusal(manifest, record, app.look),
        )
        for manifest in manifests
    ]
    return await app.push_screen_wait(PickerScreen(f"Actions for {record.key}", choices))


def offered(catalogue: "list[Manifest]", record: Record) -> "list[Manifest]":
    """Return the actions for a record: for its kind, or named by its view."""
    kind = record.key.kind
    named = view_named(kind).actions
    return [each for each in catalogue if each.target == kind or each.name in named]


def target_of(manifest: "Manifest", record: Record, look: Snapshot) -> Key | None:
    """Return what an action would act on: the record, or the tenant that it belongs to."""
    if record.key.kind == manifest.target:
        return record.key
    owners = [
        owner.key
        for owner in view_named(manifest.target).records(look)
        if (owner.key.cluster, owner.key.namespace) == (record.key.cluster, record.key.namespace)
    ]
    return owners[0] if len(owners) == 1 else None


def check_given(manifest: "Manifest", given: Mapping[str, Any]) -> None:
    """Refuse words that the form has no field or no choice for.

    Raises:
        ConfigError: names the word and the nearest right one.

    """
    for name, value in given.items():
        spec = manifest.inputs.get(name)
        if spec is None:
            message = f"{manifest.name} has no input {name!r}"
            raise ConfigError(message, remedy=nearest(name, manifest.inputs))
        if spec.choices and value not in spec.choices:
            message = f"{name} cannot be {value!r}"
            raise ConfigError(message, remedy=nearest(str(value), map(str, spec.choices)))


def prefilled(manifest: "Manifest", record: Record) -> dict[str, Any]:
    """Take from the record what the form need not ask."""
    component = _component(record)
    spec = manifest.inputs.get("component")
    if spec is None or component not in spec.choices:
        return {}
    return {"component": component}


def current_values(
    manifest: "Manifest", target: Key, texts: Mapping[str, str], look: Snapshot
) -> dict[str, str]:
    """Return the values in force for the fields that stand for an autoscaler's bounds."""
    component = texts.get("component")
    found = [
        hpa
        for hpa in look.in_namespace(target.cluster, "hpa", target.namespace)
        if _component(hpa) == component
    ]
    if len(found) != 1:
        return {}
    values = {name: getattr(found[0], field, None) for name, field in _BOUNDS.items()}
    return {
        name: str(value)
        for name, value in values.items()
        if name in manifest.inputs and value is not None
    }


def _component(record: Record) -> str | None:
    labelled = next((record.labels[key] for key in _LABELS if key in record.labels), None)
    if labelled is not None:
        return labelled
    name = record.key.name
    return next((each for each in _COMPONENTS if name.endswith(f"-{each}") or name == each), None)


def _refusal(manifest: "Manifest", record: Record, look: Snapshot) -> str:
    missing = target_of(manifest, record, look) is None
    return _no_target(manifest, record) if missing else ""


def _no_target(manifest: "Manifest", record: Record) -> str:
    return f"{record.key} belongs to no single {manifest.target}"


def _tell(app: "ShifuApp", message: str, severity: SeverityLevel) -> None:
    # Names and errors come from elsewhere: a bracket in them is no markup.
    app.notify(message, severity=severity, timeout=10, markup=False)

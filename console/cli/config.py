"""Shows the settings in force with their origins, and the JSON Schemas."""

import os
from collections.abc import Iterator
from typing import Any

import click
import msgspec
import yaml

from console import paths
from console.cli.schemas import SCHEMAS
from console.cli.session import Session
from console.config import Cluster
from console.inventory import Inventory
from console.redact import redact

_Steps = tuple[str | int, ...]


class Setting(msgspec.Struct, frozen=True):
    """One value in force, and what gave it."""

    steps: _Steps
    value: Any
    origin: str


@click.group(name="config")
def command() -> None:
    """Show the settings in force, or their JSON Schema."""


@command.command()
@click.argument("name", default="fleet", type=click.Choice(list(SCHEMAS)))
def schema(name: str) -> None:
    """Print a JSON Schema: of fleet.yaml, or of a command's -o json."""
    click.echo(_json(SCHEMAS[name]()))


@command.command()
@click.option("-o", "--output", type=click.Choice(["yaml", "json"]), default="yaml")
@click.pass_context
def view(ctx: click.Context, output: str) -> None:
    """Print every setting in force, and where it comes from; never a secret."""
    session: Session = ctx.obj
    settings = [*_options(ctx, session), *settings_in_force(session.inventory)]
    if output == "yaml":
        click.echo("\n".join(_yaml(settings)))
        return
    tree: dict[str, Any] = {}
    for setting in settings:
        branch = tree
        for step in setting.steps[:-1]:
            branch = branch.setdefault(str(step), {})
        branch[str(setting.steps[-1])] = {"value": setting.value, "origin": setting.origin}
    click.echo(_json(tree))


def _options(ctx: click.Context, session: Session) -> Iterator[Setting]:
    for option, parameter, value in (
        ("context", "contexts", list(session.contexts)),
        ("readOnly", "read_only", session.read_only),
        ("requestTimeout", "request_timeout", session.request_timeout),
    ):
        given = ctx.find_root().get_parameter_source(parameter)
        is_default = given is None or given is click.core.ParameterSource.DEFAULT
        flag = f"--{parameter.replace('_', '-').removesuffix('s')}"
        yield Setting(("options", option), value, "default" if is_default else flag)


def settings_in_force(inventory: Inventory) -> Iterator[Setting]:
    """List every value with its origin, in the order of reading."""
    files = list(inventory.kubeconfig_files)
    yield Setting(("files", "kubeconfig"), files, inventory.kubeconfig_origin)
    fleet = inventory.fleet_file or str(paths.config_dir() / "fleet.yaml")
    yield Setting(("files", "fleet"), fleet, "read" if inventory.fleet_file else "not there")
    for name, folder, variable in (
        ("actions", paths.data_dir() / "actions", "XDG_DATA_HOME"),
        ("state", paths.state_dir(), "XDG_STATE_HOME"),
        ("cache", paths.cache_dir(), "XDG_CACHE_HOME"),
    ):
        origin = f"${variable}" if os.environ.get(variable) else "default"
        yield Setting(("files", name), str(folder), origin)
    for cluster in inventory.clusters:
        for field, value in _facts(cluster):
            origin = inventory.origins.get(f"clusters.{cluster.alias}.{field}", "default")
            yield Setting(("clusters", cluster.alias, field), _shown(value), origin)
    for section, value in msgspec.to_builtins(inventory.settings).items():
        yield from _leaves((section,), value, inventory)


def _facts(cluster: Cluster) -> Iterator[tuple[str, Any]]:
    yield "context", cluster.context
    yield "role", cluster.role
    yield "region", cluster.region
    yield "account", cluster.account
    yield "production", cluster.production
    yield "readOnly", cluster.read_only
    yield "server", cluster.server
    yield "insecure", cluster.insecure
    yield "proxy", cluster.entry.proxy
    yield "user", f"{cluster.entry.user.name or 'anonymous'} ({cluster.entry.user.method})"
    yield "aws", {name: value for name, value in msgspec.to_builtins(cluster.aws).items() if value}
    yield "prometheus", cluster.prometheus
    yield "bastion", cluster.bastion


def _leaves(steps: _Steps, value: Any, inventory: Inventory) -> Iterator[Setting]:
    if isinstance(value, dict) and value:
        for name, inner in value.items():
            yield from _leaves((*steps, name), inner, inventory)
        return
    origin = inventory.origins.get(".".join(map(str, steps)), "default")
    yield Setting(steps, _shown(value), origin)


def _shown(value: Any) -> Any:
    return redact(value) if isinstance(value, str) else value


def _yaml(settings: list[Setting]) -> Iterator[str]:
    """Write values as YAML, each with its origin in a comment."""
    above: _Steps = ()
    for setting in settings:
        steps = setting.steps
        shared = next(
            (at for at, (a, b) in enumerate(zip(above, steps, strict=False)) if a != b),
            min(len(above), len(steps)),
        )
        for depth in range(shared, len(steps) - 1):
            yield f"{'  ' * depth}{_scalar(steps[depth])}:"
        indent = "  " * (len(steps) - 1)
        yield f"{indent}{_scalar(steps[-1])}: {_scalar(setting.value)}  # {setting.origin}"
        above = steps[:-1]


def _scalar(value: Any) -> str:
    text = yaml.safe_dump(value, default_flow_style=True, width=1 << 20, allow_unicode=True)
    return text.removesuffix("...\n").strip()


def _json(tree: dict[str, Any]) -> str:
    return msgspec.json.format(msgspec.json.encode(tree), indent=2).decode()

"""Prints the version, and what it runs on."""

import platform
from importlib.metadata import PackageNotFoundError, version

import click
import msgspec

_LIBRARIES = ("textual", "aiohttp", "kubernetes", "msgspec")


def program_version() -> str:
    """Return the installed version; `unknown` when it runs from a bare checkout."""
    return _version("shifu-console")


@click.command(name="version")
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text")
def command(output: str) -> None:
    """Print the version."""
    if output == "text":
        click.echo(f"shifu-console {program_version()}")
        return
    facts = {
        "version": program_version(),
        "python": platform.python_version(),
        "platform": platform.platform(terse=True),
        "libraries": {name: _version(name) for name in _LIBRARIES},
    }
    click.echo(msgspec.json.format(msgspec.json.encode(facts), indent=2))


def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "unknown"

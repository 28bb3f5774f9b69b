"""Prints the script that lets a shell complete our words."""

import click
from click.shell_completion import get_completion_class

_PROGRAM = "shifu-console"


@click.command(name="completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def command(ctx: click.Context, shell: str) -> None:
    r"""Print the completion script of a shell.

    \b
    bash:  eval "$(shifu-console completion bash)"
    zsh:   eval "$(shifu-console completion zsh)"
    fish:  shifu-console completion fish | source
    """
    found = get_completion_class(shell)
    assert found is not None  # noqa: S101  click has all three
    variable = f"_{_PROGRAM.replace('-', '_').upper()}_COMPLETE"
    click.echo(found(ctx.find_root().command, {}, _PROGRAM, variable).source())

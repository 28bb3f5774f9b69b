"""Composition root: the command line, or the screens on the same core."""

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from console.cli.session import Session


def open_screens(session: "Session") -> int:
    """Open the screens; refuses politely where there is no terminal for them."""
    from console.cli.exits import Exit

    if not (sys.stdin.isatty() and sys.stdout.isatty()) or os.environ.get("TERM") == "dumb":
        sys.stderr.write(
            "shifu-console: the screens need a terminal; use `shifu-console get clusters`"
            " and the other commands (`--help`) here\n"
        )
        return Exit.USAGE
    if session.contexts:
        session.scope()  # a wrong --context is refused before the terminal is taken over
    from screens.app import ShifuApp

    return ShifuApp(session).run() or Exit.OK


def main() -> None:
    """Run the program."""
    from console.cli.root import run

    sys.exit(run())


if __name__ == "__main__":
    main()

"""The console's command line, killed by SIGKILL at a chosen boundary of its journal.

`python -m tests.real.crashing before|after N COMMAND...` dies before or after the N-th row that
the journal writes. The product knows nothing of it.
"""

import os
import signal
import sqlite3
import sys

from actions.journal import Event, Journal
from console.cli.root import run


def _arm(when: str, rows: int) -> None:
    written = 0
    append, write = Journal._append, Journal._write

    def counted(self: Journal, db: sqlite3.Connection, event: Event) -> None:
        nonlocal written
        written += 1
        if when == "before" and written == rows:
            os.kill(os.getpid(), signal.SIGKILL)
        append(self, db, event)

    class Committed:
        """Dies once the row is on disk."""

        def __init__(self, journal: Journal) -> None:
            self._write = write(journal)

        def __enter__(self) -> sqlite3.Connection:
            return self._write.__enter__()

        def __exit__(self, *error: object) -> None:
            self._write.__exit__(*error)  # type: ignore[arg-type]  # passed on as they came
            if when == "after" and written >= rows:
                os.kill(os.getpid(), signal.SIGKILL)

    setattr(Journal, "_append", counted)  # noqa: B010  a method cannot be assigned to
    setattr(Journal, "_write", Committed)  # noqa: B010  same


if __name__ == "__main__":
    _arm(sys.argv[1], int(sys.argv[2]))
    sys.exit(run(sys.argv[3:]))

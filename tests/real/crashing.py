"""The console's command line, killed by SIGKILL at a chosen boundary of its journal.

`python -m tests.real.crashing before|after ROW COMMAND...` dies there; the product knows nothing.
"""

import sys

from console.cli import acting
from console.cli.root import run
from tests.actions.crashing import MortalJournal

if __name__ == "__main__":
    MortalJournal.deadly, MortalJournal.after = int(sys.argv[2]), sys.argv[1] == "after"
    setattr(acting, "Journal", MortalJournal)  # noqa: B010  a class cannot be assigned to
    sys.exit(run(sys.argv[3:]))

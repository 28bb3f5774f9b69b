"""A program that is killed (SIGKILL) at every boundary of the journal, one child each.

`python -m tests.actions.crashing FOLDER forward|cancelled` leaves FOLDER/<boundary>/ with what a
machine has after the crash: the journal and the clusters.
"""

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any

from actions.journal import Event, Journal
from actions.manifest import Catalogue
from actions.model import Run
from actions.owner import Owner
from tests.actions.fakes import Scene, unpin, until

BOUNDARIES = 11


class MortalJournal(Journal):
    """Kills its process just before or just after the nth row."""

    deadly = -1
    after = False
    rows = 0

    def claim(self, run: Run, owner: Owner, event: Event) -> None:
        self._die(after=False)
        super().claim(run, owner, event)
        self._die(after=True)

    def record(self, run: Run, owner: Owner, *events: Event) -> None:
        self._die(after=False)
        super().record(run, owner, *events)
        self._die(after=True)

    def _die(self, *, after: bool) -> None:
        if self.rows == self.deadly and after is self.after:
            os.kill(os.getpid(), signal.SIGKILL)
        self.rows += after


async def story(folder: Path, deadly: int, *, after: bool, cancelled: bool) -> None:
    """Plan and run, dying on the way."""
    scene = Scene(folder)
    scene.outlive_process()
    journal = MortalJournal(scene.path, scene.clock)
    journal.deadly, journal.after = deadly, after
    desk = scene.new_desk(journal)
    if cancelled:
        scene.tenant.after_write = lambda _verb, _ref: None
    else:
        unpin(scene.tenant)
    scene.tenant.save()
    scene.management.save()
    plan = await desk.plan("scale-tenant", "acme", {"max": 9, "reason": "launch"})
    run_id = await desk.run(plan, typed="acme")
    if cancelled:
        await until(lambda: _is_verifying(scene, run_id))
        desk.cancel(run_id)
    await desk.wait(run_id)
    await desk.close()


def _is_verifying(scene: Scene, run_id: str) -> bool:
    runs: list[Any] = [run for run in scene.fleet.look.rows("run") if run.id == run_id]
    return bool(runs) and runs[0].steps[1].outcome == "running"


def main() -> None:
    """Crash once at every boundary."""
    root, cancelled = Path(sys.argv[1]), sys.argv[2] == "cancelled"
    Catalogue().named("scale-tenant").check_syntax()  # imported once, before the forks
    children = []
    for row in range(BOUNDARIES):
        for after in (False, True):
            folder = root / f"{row:02}-{'after' if after else 'before'}"
            folder.mkdir(parents=True)
            child = os.fork()
            if not child:
                asyncio.run(story(folder, row, after=after, cancelled=cancelled))
                os._exit(0)
            children.append(child)
        if len(children) >= 4:
            _reap(children)
    _reap(children)


def _reap(children: list[int]) -> None:
    while children:
        os.waitpid(children.pop(), 0)


if __name__ == "__main__":
    main()

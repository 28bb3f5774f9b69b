"""The journal keeps every row, notices every change, and never keeps a secret."""

import sqlite3
import stat
from pathlib import Path

import pytest

from actions.journal import HEARTBEAT_LIFE, Event, Journal, without_secrets
from actions.model import Run, RunState
from actions.owner import Owner, this_process
from console.errors import JournalError, StalePlanError
from console.record import Key
from tests.actions.fakes import FastClock

SECRET = "hunter2hunter2"
ELSEWHERE = Owner(user="bob", host="far", machine="m", pid=1, started="1", token="other")


def a_run(name: str = "r-1", state: RunState = RunState.RUNNING) -> Run:
    return Run(
        key=Key("usw2", "run", "tenant-acme", name),
        plan_id=f"p-{name}",
        action="scale-tenant",
        title="Scale",
        target_name="acme",
        state=state,
        started_at=1.0,
        heartbeat_at=1.0,
    )


def row(run: Run, detail: str = "") -> Event:
    return Event(run=run.id, phase="state", state=run.state, detail=detail)


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "state" / "journal.db", FastClock())


def filled(journal: Journal, owner: Owner, *, rows: int = 4) -> Run:
    run = a_run()
    journal.claim(run, owner, row(run))
    for number in range(rows):
        journal.record(run, owner, row(run, detail=f"row {number}"))
    return run


def test_only_the_owner_of_the_file_may_read_it(journal: Journal) -> None:
    filled(journal, this_process())
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in journal.path.parent.iterdir()}
    assert set(modes.values()) == {0o600}
    assert stat.S_IMODE(journal.path.parent.stat().st_mode) == 0o700


def test_an_untouched_journal_is_whole(journal: Journal) -> None:
    filled(journal, this_process())
    assert journal.broken_at() is None


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("UPDATE events SET body = replace(body, 'row 1', 'row 9') WHERE seq = 3", 3),
        ("DELETE FROM events WHERE seq = 3", 4),
        ("UPDATE events SET run_id = 'r-2' WHERE seq = 2", 2),
        ("UPDATE events SET hash = before_hash WHERE seq = 4", 4),
    ],
)
def test_an_altered_or_missing_row_is_found(journal: Journal, statement: str, found: int) -> None:
    filled(journal, this_process())
    journal.close()
    with sqlite3.connect(journal.path) as db:
        db.execute(statement)
    db.close()
    assert journal.broken_at() == found


def test_a_plan_is_claimed_by_one_run(journal: Journal) -> None:
    run, owner = a_run(), this_process()
    journal.claim(run, owner, row(run))
    with pytest.raises(StalePlanError, match="already carried out by run r-1"):
        journal.claim(run, owner, row(run))


def test_a_run_whose_process_lives_is_not_interrupted(journal: Journal) -> None:
    filled(journal, this_process())
    assert journal.run("r-1").state is RunState.RUNNING


def test_a_run_whose_process_is_gone_is_interrupted_at_once(journal: Journal) -> None:
    us = this_process()
    gone = Owner(
        user=us.user, host=us.host, machine=us.machine, pid=us.pid, started="1", token="gone"
    )
    filled(journal, gone)
    assert journal.run("r-1").state is RunState.INTERRUPTED


def test_a_run_elsewhere_is_interrupted_when_its_heartbeat_stops(tmp_path: Path) -> None:
    clock = FastClock()
    journal = Journal(tmp_path / "journal.db", clock)
    filled(journal, ELSEWHERE)
    assert journal.run("r-1").state is RunState.RUNNING
    clock.ahead += HEARTBEAT_LIFE + 1
    assert journal.run("r-1").state is RunState.INTERRUPTED


def test_whoever_lost_a_run_to_another_process_writes_no_more(tmp_path: Path) -> None:
    clock = FastClock()
    journal = Journal(tmp_path / "journal.db", clock)
    run = filled(journal, ELSEWHERE)
    clock.ahead += HEARTBEAT_LIFE + 1
    journal.take_over("r-1", this_process())
    with pytest.raises(JournalError, match="taken over"):
        journal.record(run, ELSEWHERE, row(run))
    with pytest.raises(JournalError, match="taken over"):
        journal.beat("r-1", ELSEWHERE)


def test_a_live_run_cannot_be_taken_over(journal: Journal) -> None:
    filled(journal, this_process())
    with pytest.raises(JournalError, match="r-1 is running"):
        journal.take_over("r-1", ELSEWHERE)


def test_no_secret_is_kept(journal: Journal) -> None:
    run, owner = a_run(), this_process()
    journal.claim(run, owner, row(run))
    after = {"password": SECRET, "env": [f"TOKEN={SECRET}", f"mysql://root:{SECRET}@db/x"]}
    event = Event(
        run=run.id, phase="result", state=run.state, after=after, detail=f"Bearer {SECRET}"
    )
    journal.record(run, owner, event)
    journal.close()
    for path in journal.path.parent.iterdir():
        assert SECRET.encode() not in path.read_bytes()


def test_marking_out_keeps_what_is_no_secret() -> None:
    assert without_secrets({"max": 9, "secretName": ""}) == {"max": 9, "secretName": ""}


def test_a_folder_in_the_way_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file")
    journal = Journal(tmp_path / "state" / "journal.db", FastClock())
    with pytest.raises(JournalError, match="XDG_STATE_HOME"):
        journal.runs()


def test_a_full_disk_is_told_and_loses_nothing(journal: Journal) -> None:
    run = filled(journal, this_process())
    with journal._read() as db:
        pages = db.execute("PRAGMA page_count").fetchone()[0]
        db.execute(f"PRAGMA max_page_count = {pages}")
    parts = ["x" * 1000] * 500
    long = Event(run=run.id, phase="result", state=run.state, after=parts)
    with pytest.raises(JournalError, match="full"):
        journal.record(run, this_process_of(journal), long)
    assert journal.broken_at() is None


def this_process_of(journal: Journal) -> Owner:
    """Return the owner that the run was claimed with."""
    with journal._read() as db:
        token = db.execute("SELECT owner FROM runs").fetchone()[0]
    us = this_process()
    return Owner(
        user=us.user, host=us.host, machine=us.machine, pid=us.pid, started=us.started, token=token
    )

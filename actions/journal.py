"""The record of runs: SQLite on this machine, each row chained to the one before."""

import hashlib
import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from actions.model import Plan, Run, RunState
from actions.owner import Owner, is_dead
from console.clock import Clock
from console.errors import ConfigError, JournalError, StalePlanError
from console.redact import redact

HEARTBEAT_LIFE = 60.0
"""Seconds without a heartbeat after which a run counts as interrupted: six missed beats."""
_SCHEMA = """
CREATE TABLE IF NOT EXISTS plans (id TEXT PRIMARY KEY, made_at REAL NOT NULL, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS runs (
  id TEXT PRIMARY KEY, claim TEXT UNIQUE, plan_id TEXT NOT NULL, body TEXT NOT NULL,
  owner TEXT NOT NULL, machine TEXT NOT NULL, pid INTEGER NOT NULL, started TEXT NOT NULL,
  heartbeat_at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS events (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, run_id TEXT NOT NULL, body TEXT NOT NULL,
  before_hash TEXT NOT NULL, hash TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS events_of_run ON events (run_id, seq);
"""
_SECRET_KEYS = ("password", "secret", "token", "credential", "authorization", "apikey", "api_key")
_MARK = "•••"
_TEXT_LIMIT = 4000
"""Characters kept of one text: an error may quote a whole object."""


class Event(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One row: what was about to be done, or what came of it."""

    run: str
    phase: str
    """state, intent, result, observe or verify."""
    state: RunState
    at: float = 0.0
    step: str = ""
    attempt: int = 0
    undo: bool = False
    outcome: str = ""
    cluster: str = ""
    object: str = ""
    before: Any = None
    after: Any = None
    outputs: dict[str, Any] = {}
    detail: str = ""
    duration_seconds: float | None = None
    actor: str = ""
    os_user: str = ""
    host: str = ""
    program: str = ""
    manifest: str = ""
    """name@version"""
    manifest_hash: str = ""
    fingerprint: str = ""


class Journal:
    """Rows are on disk when a method returns; the methods block, so call them off the loop."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self.path = path
        self._clock = clock
        self._lock = threading.Lock()
        self._open: sqlite3.Connection | None = None

    def save_plan(self, plan: Plan) -> None:
        """Keep a plan, so that another process can carry it out."""
        body = msgspec.json.encode(plan).decode()
        with self._write() as db:
            db.execute(
                "INSERT INTO plans VALUES (?, ?, ?) ON CONFLICT (id) DO NOTHING",
                (plan.id, plan.made_at, body),
            )

    def plan(self, plan_id: str) -> Plan:
        """Return a kept plan.

        Raises:
            ConfigError: there is none of that id.

        """
        with self._read() as db:
            row = db.execute("SELECT body FROM plans WHERE id = ?", (plan_id,)).fetchone()
        if row is None:
            raise ConfigError(f"no plan has the id {plan_id!r}", remedy="make one with `plan`")
        return msgspec.json.decode(row[0], type=Plan)

    def carried_out_by(self, plan_id: str) -> str:
        """Return the run that carried a plan out; empty when it is still to be."""
        with self._read() as db:
            row = db.execute("SELECT id FROM runs WHERE claim = ?", (plan_id,)).fetchone()
        return row[0] if row else ""

    def claim(self, run: Run, owner: Owner, event: Event) -> None:
        """Start a run's record; a plan can be claimed once.

        Raises:
            StalePlanError: another run has claimed the plan.

        """
        place = (owner.token, owner.machine, owner.pid, owner.started, self._clock.now())
        with self._write() as db:
            row = db.execute("SELECT id FROM runs WHERE claim = ?", (run.plan_id,)).fetchone()
            if row:
                raise already_carried_out(run.plan_id, row[0])
            db.execute(
                "INSERT INTO runs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (run.id, run.plan_id, run.plan_id, _encode(run), *place),
            )
            self._append(db, event)

    def give_back(self, run: Run, owner: Owner, event: Event) -> None:
        """End a run that wrote nothing; its plan may be carried out after all."""
        self.record(run, owner, event)
        with self._write() as db:
            db.execute("UPDATE runs SET claim = NULL WHERE id = ?", (run.id,))

    def record(self, run: Run, owner: Owner, *events: Event) -> None:
        """Append rows and the run as it stands now.

        Raises:
            JournalError: another process has taken the run over.

        """
        with self._write() as db:
            self._check_owner(db, run.id, owner)
            for event in events:
                self._append(db, event)
            db.execute(
                "UPDATE runs SET body = ?, heartbeat_at = ? WHERE id = ?",
                (_encode(run), self._clock.now(), run.id),
            )

    def beat(self, run_id: str, owner: Owner) -> None:
        """Give a sign of life; refused once another process has taken the run over."""
        with self._write() as db:
            self._check_owner(db, run_id, owner)
            db.execute("UPDATE runs SET heartbeat_at = ? WHERE id = ?", (self._clock.now(), run_id))

    def take_over(self, run_id: str, owner: Owner) -> Run:
        """Become the owner of a paused or interrupted run.

        Raises:
            JournalError: it is over, or its owner lives.

        """
        place = (owner.token, owner.machine, owner.pid, owner.started, self._clock.now(), run_id)
        with self._write() as db:
            run = self._as_it_stands(self._row(db, run_id))
            if not run.state.is_resumable:
                message = f"run {run_id} is {run.state}"
                raise JournalError(message, remedy="only a paused or interrupted run is resumed")
            db.execute(
                "UPDATE runs SET owner = ?, machine = ?, pid = ?, started = ?, heartbeat_at = ?"
                " WHERE id = ?",
                place,
            )
        return run

    def run(self, run_id: str) -> Run:
        """Return one run.

        Raises:
            ConfigError: there is none of that id.

        """
        with self._read() as db:
            return self._as_it_stands(self._row(db, run_id))

    def runs(self) -> list[Run]:
        """Return every run, the newest first."""
        with self._read() as db:
            rows = db.execute(f"{_SELECT} ORDER BY rowid DESC").fetchall()
        return [self._as_it_stands(row) for row in rows]

    def events(self, run_id: str) -> list[Event]:
        """Return a run's rows in order."""
        with self._read() as db:
            rows = db.execute(
                "SELECT body FROM events WHERE run_id = ? ORDER BY seq", (run_id,)
            ).fetchall()
        return [msgspec.json.decode(row[0], type=Event) for row in rows]

    def broken_at(self) -> int | None:
        """Return the first row that was altered, or whose predecessor is gone; None when whole."""
        before = ""
        with self._read() as db:
            for seq, run_id, body, said, own in db.execute(
                "SELECT seq, run_id, body, before_hash, hash FROM events ORDER BY seq"
            ):
                if said != before or own != _hash(before, run_id, body):
                    return int(seq)
                before = own
        return None

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            if self._open is not None:
                self._open.close()
                self._open = None

    def _append(self, db: sqlite3.Connection, event: Event) -> None:
        event = msgspec.structs.replace(event, at=self._clock.now())
        body = msgspec.json.encode(without_secrets(msgspec.to_builtins(event))).decode()
        last = db.execute("SELECT hash FROM events ORDER BY seq DESC LIMIT 1").fetchone()
        before = last[0] if last else ""
        db.execute(
            "INSERT INTO events (run_id, body, before_hash, hash) VALUES (?, ?, ?, ?)",
            (event.run, body, before, _hash(before, event.run, body)),
        )

    def _row(self, db: sqlite3.Connection, run_id: str) -> Any:
        row = db.execute(f"{_SELECT} WHERE id = ?", (run_id,)).fetchone()
        if row is None:
            raise ConfigError(f"no run has the id {run_id!r}", remedy="see `runs list`")
        return row

    def _check_owner(self, db: sqlite3.Connection, run_id: str, owner: Owner) -> None:
        row = db.execute("SELECT owner FROM runs WHERE id = ?", (run_id,)).fetchone()
        if row is None or row[0] != owner.token:
            message = f"run {run_id} was taken over by another process"
            raise JournalError(message, remedy="look at it there; this one stops")

    def _as_it_stands(self, row: Any) -> Run:
        """Return the run, interrupted when whoever carried it out is gone."""
        body, machine, pid, started, heartbeat_at = row
        run = msgspec.structs.replace(
            msgspec.json.decode(body, type=Run), heartbeat_at=heartbeat_at
        )
        if run.state.is_over or run.state is RunState.PAUSED:
            return run
        silent = self._clock.now() - heartbeat_at > HEARTBEAT_LIFE
        if not silent and not is_dead(machine, pid, started):
            return run
        return msgspec.structs.replace(run, state=RunState.INTERRUPTED)

    @contextmanager
    def _read(self) -> Iterator[sqlite3.Connection]:
        with self._lock, self._told():
            yield self._connection()

    @contextmanager
    def _write(self) -> Iterator[sqlite3.Connection]:
        with self._lock, self._told():
            db = self._connection()
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
                db.execute("COMMIT")
            finally:
                if db.in_transaction:
                    db.execute("ROLLBACK")

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Turn what the disk says into a JournalError with the way out."""
        try:
            yield
        except (sqlite3.Error, OSError) as failure:
            message = f"the journal {self.path} cannot be used: {failure}"
            remedy = "free the disk, or set XDG_STATE_HOME to a folder that can be written"
            raise JournalError(message, remedy=remedy) from failure

    def _connection(self) -> sqlite3.Connection:
        if self._open is None:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            # SQLite gives its side files the mode of the file that is there already.
            os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))
            db = sqlite3.connect(
                self.path, timeout=5.0, isolation_level=None, check_same_thread=False
            )
            try:
                db.execute("PRAGMA journal_mode = WAL")
                db.execute("PRAGMA synchronous = FULL")
                db.executescript(_SCHEMA)
            except sqlite3.Error:
                db.close()
                raise
            self._open = db
        return self._open


_SELECT = "SELECT body, machine, pid, started, heartbeat_at FROM runs"


def already_carried_out(plan_id: str, run_id: str) -> StalePlanError:
    """Make the refusal of a second run of one plan."""
    return StalePlanError(
        f"plan {plan_id} was already carried out by run {run_id}", remedy="plan again"
    )


def without_secrets(value: Any) -> Any:
    """Return a value with everything that looks like a credential marked out."""
    if isinstance(value, str):
        return redact(value[:_TEXT_LIMIT])
    if isinstance(value, dict):
        return {
            name: _MARK if _is_secret(name) and part else without_secrets(part)
            for name, part in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [without_secrets(part) for part in value]
    return value


def _is_secret(name: str) -> bool:
    return any(part in name.lower() for part in _SECRET_KEYS)


def _encode(run: Run) -> str:
    return msgspec.json.encode(without_secrets(msgspec.to_builtins(run))).decode()


def _hash(before: str, run_id: str, body: str) -> str:
    return hashlib.sha256(f"{before}\n{run_id}\n{body}".encode()).hexdigest()

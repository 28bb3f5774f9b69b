"""Who carries out a run: a process that others can recognise as alive or dead."""

import getpass
import hashlib
import os
import platform
import uuid
from pathlib import Path

import msgspec


class Owner(msgspec.Struct, frozen=True, kw_only=True):
    """One process, for as long as it works on runs."""

    user: str
    host: str
    machine: str
    """Tells apart kernels and process namespaces; empty when that cannot be known."""
    pid: int
    started: str
    """The process's start by the kernel's count: a later process may get the same id."""
    token: str

    @property
    def identity(self) -> str:
        """Return what a Lease names as its holder."""
        place = f"{self.machine}.{self.pid}.{self.started}" if self.machine else str(self.pid)
        return f"{self.user}@{self.host}/{place}/{self.token}"


def this_process() -> Owner:
    """Describe the running process."""
    return Owner(
        user=_user(),
        host=platform.node() or "unknown",
        machine=_machine(),
        pid=os.getpid(),
        started=_started(os.getpid()),
        token=uuid.uuid4().hex[:12],
    )


def is_dead(machine: str, pid: int, started: str) -> bool:
    """Tell whether a process of this machine is surely gone; False when that is not known."""
    if not machine or not started or machine != _machine():
        return False
    return _started(pid) != started


def holder_is_dead(identity: str) -> bool:
    """Tell whether the process that a Lease names is surely gone."""
    parts = identity.rsplit("/", 2)
    place = parts[1].split(".") if len(parts) == 3 else []
    if len(place) != 3 or not place[1].isdigit():
        return False
    return is_dead(place[0], int(place[1]), place[2])


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())


def _machine() -> str:
    """Return a short hash of the kernel's boot and our process namespace."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        namespace = str(Path("/proc/self/ns/pid").readlink())
    except (OSError, UnicodeDecodeError):
        return ""
    return hashlib.sha256(f"{boot} {namespace}".encode()).hexdigest()[:12]


def _started(pid: int) -> str:
    """Return the start time of a process in kernel ticks; empty when there is no such process."""
    try:
        line = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    fields = line.rpartition(")")[2].split()
    # A zombie has ended: it only waits for its parent.
    return "" if fields[0] in ("Z", "X") else fields[19]

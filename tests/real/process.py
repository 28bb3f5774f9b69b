"""Servers as child processes that never outlive their owner."""

import asyncio
import contextlib
import fcntl
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

_PREFIX = "shifu-real-"
_LOCK = "owner.lock"
_LAUNCH = Path(__file__).with_name("launch.py")
_POLL_SECONDS = 0.05
_POLITE_LOOKS = 200
_TAIL_BYTES = 2000


class ServerError(Exception):
    """A server that did not come up or died, with the end of its log."""


class Server:
    """One child process with a log file, stopped by its id; bound to no event loop."""

    def __init__(self, command: Sequence[str | Path], *, folder: Path, name: str) -> None:
        self._command = [str(part) for part in command]
        self._folder = folder
        self.name = name
        self.log = folder / f"{name}.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        if self._process is None:
            raise ServerError(f"{self.name}: not started")
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it; the kernel ends it when the thread that called this dies in any way."""
        launch = [sys.executable, "-I", "-S", str(_LAUNCH), str(os.getpid())]
        with _descriptor(self.log) as log:
            self._process = subprocess.Popen(
                [*launch, *self._command],
                cwd=self._folder,
                # kwok and others read settings below HOME.
                env={"HOME": str(self._folder), "PATH": os.defpath},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    async def ready(self, check: Callable[[], Awaitable[bool]], *, seconds: float) -> None:
        """Wait until the check holds; say why when it does not."""
        try:
            async with asyncio.timeout(seconds):
                while not await check():
                    self.raise_if_dead()
                    await asyncio.sleep(_POLL_SECONDS)
        except TimeoutError as error:
            text = f"{self.name}: not ready after {seconds:.0f} s\n{self.tail()}"
            raise ServerError(text) from error

    def raise_if_dead(self) -> None:
        """Say how it ended, when it has."""
        if not self.running:
            code = self._process.returncode if self._process else None
            raise ServerError(f"{self.name}: ended with {code}\n{self.tail()}")

    async def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """Stop it and wait until it is gone."""
        if not self.running:
            return
        os.kill(self.pid, how)
        # A frozen server hears nothing before it is thawed.
        self.thaw()
        for _ in range(_POLITE_LOOKS):
            if not self.running:
                return
            await asyncio.sleep(_POLL_SECONDS)
        os.kill(self.pid, signal.SIGKILL)
        if self._process is not None:
            self._process.wait()

    async def restart(self) -> None:
        """Kill it and start it again."""
        await self.stop(signal.SIGKILL)
        self.start()

    def freeze(self) -> None:
        """Stop it from answering without ending it, as a hung machine would."""
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let a frozen server go on."""
        os.kill(self.pid, signal.SIGCONT)

    def tail(self) -> str:
        """Return the end of its log."""
        if not self.log.exists():
            return ""
        return self.log.read_bytes()[-_TAIL_BYTES:].decode(errors="replace")


@contextmanager
def _descriptor(file: Path) -> Iterator[int]:
    number = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        yield number
    finally:
        os.close(number)


def free_ports(count: int) -> list[int]:
    """Choose ports below the kernel's own range, where no outgoing connection lands."""
    chosen: list[int] = []
    candidates = random.sample(range(10_000, _first_ephemeral_port()), k=count * 50)
    for port in candidates:
        if len(chosen) == count:
            break
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            chosen.append(port)
    if len(chosen) < count:
        raise ServerError(f"only {len(chosen)} of {count} ports are free on 127.0.0.1")
    return chosen


def _first_ephemeral_port() -> int:
    limits = Path("/proc/sys/net/ipv4/ip_local_port_range")
    return int(limits.read_text().split()[0]) if limits.exists() else 32_768


@contextmanager
def own_folder(name: str) -> Iterator[Path]:
    """Lend a temporary folder; folders whose owners were killed are removed on the way."""
    _sweep()
    folder = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{name}-"))
    try:
        with (folder / "new.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            # Named only once it is held, or a sweep could take it in between.
            Path(lock.name).rename(folder / _LOCK)
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _sweep() -> None:
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError), (folder / _LOCK).open() as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)

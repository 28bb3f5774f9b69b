"""Build the genuine servers from Go modules, and say where their programs are."""

import fcntl
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import msgspec

MODULES = Path(__file__).parent / "servers"
_REQUIRE = re.compile(r"^\s*(?:require\s+)?(\S+)\s+(v\S+)\s*$", re.MULTILINE)


class MissingServerError(Exception):
    """A server that this machine does not have, why, and what to do about it."""

    def __init__(self, server: str, reason: str, remedy: str = "make servers") -> None:
        super().__init__(f"{server}: {reason}; {remedy}")
        self.server = server
        self.reason = reason
        self.remedy = remedy


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """One Go module, the programs built from it and the files kept beside them."""

    name: str
    module: str
    programs: Mapping[str, str] = {}
    version_variables: Mapping[str, str] = {}
    shared: Mapping[str, str] = {}

    @property
    def version(self) -> str:
        """Read the version its go.mod pins."""
        return self._pinned()[self.module]

    def version_of(self, program: str) -> str:
        """Read a program's version, which may come from a module of its own."""
        package = self.programs[program]
        return self._pinned().get(package, self.version)

    def _pinned(self) -> dict[str, str]:
        return dict(_REQUIRE.findall((MODULES / self.name / "go.mod").read_text()))

    @property
    def folder(self) -> Path:
        return cache() / f"{self.name}-{self.version}"

    def program(self, name: str) -> Path:
        """Find one of its programs, in KUBEBUILDER_ASSETS first."""
        assets = os.environ.get("KUBEBUILDER_ASSETS")
        if assets and (Path(assets) / name).exists():
            return Path(assets) / name
        found = self.folder / "bin" / name
        if not found.exists():
            raise MissingServerError(f"{name} {self.version_of(name)}", f"no {found}")
        return found

    def files(self, group: str) -> list[Path]:
        """List the files of one shared folder."""
        found = sorted((self.folder / "share" / group).glob("*.yaml"))
        if not found:
            raise MissingServerError(f"{self.name} {self.version}", f"no {group} files")
        return found


_KUBE_VERSION = "k8s.io/component-base/version"
KUBERNETES = Source(
    name="kubernetes",
    module="k8s.io/kubernetes",
    programs={
        "kube-apiserver": "k8s.io/kubernetes/cmd/kube-apiserver",
        "kube-controller-manager": "k8s.io/kubernetes/cmd/kube-controller-manager",
        "kube-scheduler": "k8s.io/kubernetes/cmd/kube-scheduler",
        "kubectl": "k8s.io/kubernetes/cmd/kubectl",
        "etcd": "go.etcd.io/etcd/server/v3",
    },
    # kubectl cannot parse the version an unstamped server reports.
    version_variables={
        f"{_KUBE_VERSION}.gitVersion": "{version}",
        f"{_KUBE_VERSION}.gitMajor": "{major}",
        f"{_KUBE_VERSION}.gitMinor": "{minor}",
        f"{_KUBE_VERSION}.gitTreeState": "clean",
    },
)
KWOK = Source(
    name="kwok",
    module="sigs.k8s.io/kwok",
    programs={"kwok": "sigs.k8s.io/kwok/cmd/kwok"},
    shared={
        "crds": "kustomize/crd/bases/*.yaml",
        "metrics": "kustomize/metrics/resource/metrics-resource.yaml",
        "node-initialize": "kustomize/stage/node/fast/node-initialize.yaml",
        "node-heartbeat": "kustomize/stage/node/heartbeat-with-lease/*-lease.yaml",
        "pod-stages": "kustomize/stage/pod/fast/pod-*.yaml",
    },
)
METRICS = Source(
    name="metrics-server",
    module="sigs.k8s.io/metrics-server",
    programs={"metrics-server": "sigs.k8s.io/metrics-server/cmd/metrics-server"},
    version_variables={"sigs.k8s.io/metrics-server/pkg/version.gitVersion": "{version}"},
    shared={"api": "manifests/base/apiservice.yaml"},
)
ARGOCD = Source(
    name="argocd",
    module="github.com/argoproj/argo-cd/v3",
    shared={"crds": "manifests/crds/*-crd.yaml"},
)
SOURCES = (KUBERNETES, KWOK, METRICS, ARGOCD)


def cache() -> Path:
    """Return the folder that holds built servers, each under its version."""
    if chosen := os.environ.get("SHIFU_SERVERS"):
        return Path(chosen)
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "shifu-console" / "servers"


def missing() -> MissingServerError | None:
    """Return the first server that is not there, or nothing when all are."""
    try:
        for source in SOURCES:
            for program in source.programs:
                source.program(program)
            for group in source.shared:
                source.files(group)
    except MissingServerError as error:
        return error
    return None


def build() -> None:
    """Build what is missing; a second build at the same time waits for the first."""
    with _build_lock():
        for source in SOURCES:
            if not source.folder.exists():
                _build_source(source)


@contextmanager
def _build_lock() -> Iterator[None]:
    cache().mkdir(parents=True, exist_ok=True)
    with (cache() / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _build_source(source: Source) -> None:
    if shutil.which("go") is None:
        raise MissingServerError(
            f"{source.name} {source.version}",
            "cannot be built without Go",
            f"install Go {_go_version(source)} or newer, or set SHIFU_SERVERS to built servers",
        )
    began = time.monotonic()
    _say(f"{source.name} {source.version} -> {source.folder}")
    # Renamed when whole: a build broken off half-way never looks like a finished one.
    with tempfile.TemporaryDirectory(dir=cache(), prefix=f".{source.name}-") as unfinished:
        folder = Path(unfinished) / "whole"
        _keep_shared(source, folder)
        for program, package in source.programs.items():
            _build_program(source, program, package, folder / "bin" / program)
        folder.rename(source.folder)
    _say(f"{source.name} {source.version} ready after {time.monotonic() - began:.0f} s")


def _build_program(source: Source, program: str, package: str, output: Path) -> None:
    began = time.monotonic()
    _say(f"  building {program}")
    major, minor = source.version.removeprefix("v").split(".")[:2]
    stamps = [
        f"-X {variable}={value.format(version=source.version, major=major, minor=minor)}"
        for variable, value in source.version_variables.items()
    ]
    flags = " ".join(["-s", "-w", *stamps])
    _go(source, "build", "-trimpath", "-ldflags", flags, "-o", str(output), package)
    size = output.stat().st_size / 1e6
    _say(f"  built {program}, {size:.0f} MB, {time.monotonic() - began:.0f} s")


def _keep_shared(source: Source, folder: Path) -> None:
    folder.mkdir()
    if not source.shared:
        return
    module = Path(json.loads(_go(source, "mod", "download", "-json", source.module))["Dir"])
    for group, pattern in source.shared.items():
        kept = folder / "share" / group
        kept.mkdir(parents=True)
        for file in module.glob(pattern):
            shutil.copyfile(file, kept / file.name)


def _go(source: Source, *arguments: str) -> str:
    environment = os.environ | {"CGO_ENABLED": "0", "GOWORK": "off", "GOTOOLCHAIN": "local"}
    result = subprocess.run(
        ["go", *arguments],
        cwd=MODULES / source.name,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=3600,
        check=False,
    )
    if result.returncode:
        reason = (result.stderr or result.stdout).strip()[-2000:]
        raise MissingServerError(
            f"{source.name} {source.version}", f"go {arguments[0]} failed: {reason}", "see above"
        )
    return result.stdout


def _go_version(source: Source) -> str:
    text = (MODULES / source.name / "go.mod").read_text()
    found = re.search(r"^go (\S+)$", text, re.MULTILINE)
    return found[1] if found else "1"


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def where() -> str:
    """Describe every program: its version and path, or that it is missing."""
    lines = []
    for source in SOURCES:
        for program in source.programs:
            try:
                place = str(source.program(program))
            except MissingServerError as error:
                place = f"missing: {error.remedy}"
            lines.append(f"{program}\t{source.version_of(program)}\t{place}")
    return "\n".join(lines)


def main(arguments: list[str]) -> int:
    """Answer `build` and `where`."""
    match arguments:
        case ["build"]:
            try:
                build()
            except MissingServerError as error:
                _say(f"error: {error}")
                return 1
        case ["where"]:
            print(where())
        case _:
            _say("usage: python -m tests.real.servers build|where")
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

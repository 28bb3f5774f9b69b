"""kubeconfig files read and merged as kubectl does it; never written to."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from console.errors import ConfigError, PlacedError
from console.links.kube.kubeconfig import Kubeconfig, KubeEntry
from console.links.kube.kubeconfig_users import read_user
from console.links.kube.kubeconfig_wire import ClusterOptions, ConfigFile, ContextOptions, Placed
from console.links.kube.proxies import proxy_for
from console.yaml_file import YamlFile


def read_kubeconfig(explicit: str | None, environ: Mapping[str, str]) -> Kubeconfig:
    """Read one file (`explicit`), or the list in $KUBECONFIG, or ~/.kube/config.

    Raises:
        ConfigError: nothing usable could be read; says which file and line.

    """
    paths, origin = _paths(explicit, environ)
    files: list[YamlFile] = []
    failures: list[PlacedError] = []
    missing: list[str] = []
    for path in paths:
        if _is_missing(path):
            missing.append(str(path))
            continue
        try:
            files.append(YamlFile.read(path, error=ConfigError))
        except ConfigError as failure:
            failures.append(failure)
    if not files and not failures:
        raise ConfigError(
            f"no kubeconfig: {', '.join(missing) or 'nothing'} named by {origin} does not exist",
            remedy="give --kubeconfig FILE, or try `shifu-console demo`",
        )
    merged = _Merge(environ, [str(failure) for failure in failures])
    for file in files:
        try:
            merged.add(file)
        except ConfigError as failure:
            failures.append(failure)
            merged.problems.append(str(failure))
    if failures and (explicit or not merged.contexts):
        raise failures[0]
    if not merged.contexts:
        names = ", ".join(file.path for file in files)
        raise ConfigError(
            f"no contexts in {names}",
            remedy="add one with `kubectl config set-context`, or give another --kubeconfig",
        )
    if origin == "$KUBECONFIG":
        merged.problems += [f"{path}: named by $KUBECONFIG, does not exist" for path in missing]
    return Kubeconfig(
        entries=tuple(merged.entries()),
        problems=tuple(merged.problems),
        broken=merged.broken,
        files=tuple(file.path for file in files),
        origin=origin,
    )


def _paths(explicit: str | None, environ: Mapping[str, str]) -> tuple[list[Path], str]:
    if explicit:
        return [Path(explicit)], "--kubeconfig"
    listed = [part for part in environ.get("KUBECONFIG", "").split(os.pathsep) if part]
    if listed:
        return [Path(part) for part in dict.fromkeys(listed)], "$KUBECONFIG"
    home = environ.get("HOME")
    return [(Path(home) if home else Path.home()) / ".kube" / "config"], "the default place"


def _is_missing(path: Path) -> bool:
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False  # reading it will say why
    return False


class _Merge:
    """Files laid over each other: the first to define a name wins."""

    def __init__(self, environ: Mapping[str, str], problems: list[str]) -> None:
        self.clusters: dict[str, Placed] = {}
        self.users: dict[str, Placed] = {}
        self.contexts: dict[str, Placed] = {}
        self.problems = problems
        self.broken: dict[str, str] = {}
        self._environ = environ

    def add(self, file: YamlFile) -> None:
        if file.value is None:
            return
        content = file.decode(ConfigFile)
        for section, known in (
            ("clusters", self.clusters),
            ("users", self.users),
            ("contexts", self.contexts),
        ):
            for index, named in enumerate(getattr(content, section) or ()):
                placed = Placed(getattr(named, section[:-1]), file, file.line(section, index))
                self._keep(known, section[:-1], named.name, placed)

    def _keep(self, known: dict[str, Placed], what: str, name: str, placed: Placed) -> None:
        if not name:
            self.problems.append(f"{placed.place}: a {what} without a name")
            return
        first = known.setdefault(name, placed)
        if first is not placed and (first.file is placed.file or first.entry != placed.entry):
            self.problems.append(
                f"{placed.place}: {what} {name!r} is defined again;"
                f" the first one counts ({first.place})"
            )

    def entries(self) -> Iterator[KubeEntry]:
        for name, placed in self.contexts.items():
            try:
                yield self._entry(name, placed)
            except ConfigError as failure:
                self.broken[name] = str(failure)
                self.problems.append(str(failure))

    def _entry(self, name: str, placed: Placed) -> KubeEntry:
        context: ContextOptions = placed.entry or ContextOptions()
        about = f"context {name!r}"
        cluster = self._named(self.clusters, "cluster", context.cluster, about, placed)
        if cluster is None:
            raise placed.refusal(f"{about} names no cluster")
        user = self._named(self.users, "user", context.user, about, placed)
        if user is None:
            self.problems.append(f"{placed.place}: {about} names no user; it will be anonymous")
        return msgspec.structs.replace(
            self._endpoint(name, placed, cluster),
            user=read_user(context.user or "", user),
            place=placed.place,
            cluster_place=cluster.place,
            user_place=user.place if user else placed.place,
        )

    def _named(
        self, known: dict[str, Placed], what: str, name: str | None, about: str, placed: Placed
    ) -> Placed | None:
        if not name:
            return None
        if name not in known:
            raise placed.refusal(f"{about} names the {what} {name!r}, which no file defines")
        return known[name]

    def _endpoint(self, name: str, placed: Placed, cluster: Placed) -> KubeEntry:
        context: ContextOptions = placed.entry
        options: ClusterOptions = cluster.entry or ClusterOptions()
        about = f"cluster {context.cluster!r}"
        trust = options.certificate_authority_data or options.certificate_authority
        insecure = bool(options.insecure_skip_tls_verify)
        if insecure and trust:
            raise cluster.refusal(
                f"{about} has both a certificate authority and insecure-skip-tls-verify"
            )
        server = _server(options.server or "", tls=bool(trust) or insecure)
        if not server:
            raise cluster.refusal(f"{about} has no usable server: {options.server!r}")
        proxy, proxy_origin = proxy_for(server, options.proxy_url or "", self._environ)
        if proxy and not proxy.startswith(("http://", "https://")):
            scheme = proxy.partition("://")[0]
            raise cluster.refusal(
                f"{about} has a {scheme} proxy ({proxy_origin}), which is not supported"
            )
        return KubeEntry(
            context=name,
            cluster=context.cluster or "",
            server=server,
            namespace=context.namespace or "",
            ca_file=""
            if options.certificate_authority_data
            else cluster.beside(options.certificate_authority),
            ca=cluster.data(
                about, "certificate-authority-data", options.certificate_authority_data
            ),
            insecure=insecure,
            tls_server_name=options.tls_server_name or "",
            proxy=proxy,
            proxy_origin=proxy_origin,
            compression=not options.disable_compression,
            exec_config=next(
                (
                    part.extension
                    for part in options.extensions or ()
                    if part.name == "client.authentication.k8s.io/exec"
                ),
                None,
            ),
        )


def _server(text: str, *, tls: bool) -> str:
    """Complete an address as client-go does; empty when it cannot be one."""
    address = text.strip().rstrip("/")
    if address and "://" not in address:
        address = f"{'https' if tls else 'http'}://{address}"
    scheme, _, rest = address.partition("://")
    return address if scheme in {"http", "https"} and rest.strip("/") else ""

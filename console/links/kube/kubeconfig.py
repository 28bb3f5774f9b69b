"""kubeconfig files read as kubectl reads them; never written to."""

import base64
import binascii
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from console.errors import ConfigError, PlacedError
from console.links.kube.proxies import proxy_for
from console.yaml_file import YamlFile


class ExecPlugin(msgspec.Struct, frozen=True, kw_only=True):
    """A program that prints credentials (client.authentication.k8s.io)."""

    api_version: str
    command: str
    args: tuple[str, ...] = ()
    env: tuple[tuple[str, str], ...] = ()
    install_hint: str = ""
    provide_cluster: bool = False

    def __repr__(self) -> str:
        return f"ExecPlugin({self.command!r})"


class KubeUser(msgspec.Struct, frozen=True, kw_only=True):
    """Whom a context speaks as; its secrets stay out of every repr."""

    name: str
    token: str = ""
    token_file: str = ""
    username: str = ""
    password: str = ""
    certificate_file: str = ""
    certificate: bytes = b""
    key_file: str = ""
    key: bytes = b""
    plugin: ExecPlugin | None = None
    unsupported: tuple[str, ...] = ()
    """Settings that would change who we are and that the console cannot honour."""

    def __repr__(self) -> str:
        return f"KubeUser({self.name!r}, by {self.method})"

    @property
    def method(self) -> str:
        """Name the way of proving who this is."""
        if self.token or self.token_file:
            return "token file" if self.token_file else "token"
        if self.plugin:
            return f"exec {Path(self.plugin.command).name}"
        if self.certificate or self.certificate_file:
            return "client certificate"
        return "password" if self.username else "nothing"


class KubeEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One usable context: where to connect to, what to trust, and whom to be."""

    context: str
    cluster: str
    """The name of the kubeconfig's cluster entry."""
    server: str
    user: KubeUser = KubeUser(name="")
    namespace: str = ""
    ca_file: str = ""
    ca: bytes = b""
    insecure: bool = False
    tls_server_name: str = ""
    proxy: str = ""
    proxy_origin: str = ""
    compression: bool = True
    exec_config: Any = None
    """What the cluster entry hands to an exec plugin that asks for it."""
    place: str = ""
    """File and line of the context; the same for its cluster and its user."""
    cluster_place: str = ""
    user_place: str = ""

    def __repr__(self) -> str:
        return f"KubeEntry({self.context!r}, {self.server!r}, {self.user!r})"


class Kubeconfig(msgspec.Struct, frozen=True, kw_only=True):
    """All files together: the usable contexts, and what is wrong with the rest."""

    entries: tuple[KubeEntry, ...]
    problems: tuple[str, ...]
    broken: dict[str, str]
    """Contexts that cannot be used, with the reason."""
    files: tuple[str, ...]
    origin: str
    """What named the files: --kubeconfig, $KUBECONFIG or the default place."""


class _Options(msgspec.Struct, frozen=True, kw_only=True, rename="kebab"):
    pass


class _Extension(_Options, frozen=True, kw_only=True):
    name: str = ""
    extension: Any = None


class _ClusterOptions(_Options, frozen=True, kw_only=True):
    server: str | None = ""
    certificate_authority: str | None = ""
    certificate_authority_data: str | None = ""
    insecure_skip_tls_verify: bool | None = False
    tls_server_name: str | None = ""
    proxy_url: str | None = ""
    disable_compression: bool | None = False
    extensions: list[_Extension] | None = None


class _ContextOptions(_Options, frozen=True, kw_only=True):
    cluster: str | None = ""
    user: str | None = ""
    namespace: str | None = ""


class _Variable(msgspec.Struct, frozen=True):
    name: str
    value: str = ""


class _ExecOptions(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    api_version: str | None = ""
    command: str | None = ""
    args: list[str] | None = None
    env: list[_Variable] | None = None
    install_hint: str | None = ""
    provide_cluster_info: bool | None = False


class _UserOptions(_Options, frozen=True, kw_only=True):
    token: str | None = ""
    token_file: str | None = msgspec.field(default="", name="tokenFile")
    username: str | None = ""
    password: str | None = ""
    client_certificate: str | None = ""
    client_certificate_data: str | None = ""
    client_key: str | None = ""
    client_key_data: str | None = ""
    exec: _ExecOptions | None = None
    auth_provider: Any = None
    impersonate: Any = msgspec.field(default=None, name="as")
    impersonate_uid: Any = msgspec.field(default=None, name="as-uid")
    impersonate_groups: Any = msgspec.field(default=None, name="as-groups")
    impersonate_extra: Any = msgspec.field(default=None, name="as-user-extra")


class _Cluster(msgspec.Struct, frozen=True):
    name: str
    cluster: _ClusterOptions | None = None


class _Context(msgspec.Struct, frozen=True):
    name: str
    context: _ContextOptions | None = None


class _User(msgspec.Struct, frozen=True):
    name: str
    user: _UserOptions | None = None


class _File(msgspec.Struct, frozen=True):
    clusters: list[_Cluster] | None = None
    contexts: list[_Context] | None = None
    users: list[_User] | None = None


class _Placed(msgspec.Struct, frozen=True):
    """An entry with the place it came from, for messages and relative paths."""

    entry: Any
    file: YamlFile
    line: int | None

    @property
    def place(self) -> str:
        return f"{self.file.path}:{self.line}" if self.line else self.file.path

    def beside(self, path: str | None) -> str:
        """Resolve a path as kubectl does: relative to the file that names it."""
        return str(Path(self.file.path).absolute().parent / path) if path else ""


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
        if not path.exists():
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


class _Merge:
    """Files laid over each other: the first to define a name wins."""

    def __init__(self, environ: Mapping[str, str], problems: list[str]) -> None:
        self.clusters: dict[str, _Placed] = {}
        self.users: dict[str, _Placed] = {}
        self.contexts: dict[str, _Placed] = {}
        self.problems = problems
        self.broken: dict[str, str] = {}
        self._environ = environ

    def add(self, file: YamlFile) -> None:
        if file.value is None:
            return
        content = file.decode(_File)
        for section, known in (
            ("clusters", self.clusters),
            ("users", self.users),
            ("contexts", self.contexts),
        ):
            for index, named in enumerate(getattr(content, section) or ()):
                placed = _Placed(getattr(named, section[:-1]), file, file.line(section, index))
                self._keep(known, section[:-1], named.name, placed)

    def _keep(self, known: dict[str, _Placed], what: str, name: str, placed: _Placed) -> None:
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

    def _entry(self, name: str, placed: _Placed) -> KubeEntry:
        context: _ContextOptions = placed.entry or _ContextOptions()
        about = f"context {name!r}"
        cluster = self._named(self.clusters, "cluster", context.cluster, about, placed)
        if cluster is None:
            raise _refusal(placed, f"{about} names no cluster")
        user = self._named(self.users, "user", context.user, about, placed)
        if user is None:
            self.problems.append(f"{placed.place}: {about} names no user; it will be anonymous")
        return msgspec.structs.replace(
            self._endpoint(name, placed, cluster),
            user=_user(context.user or "", user),
            place=placed.place,
            cluster_place=cluster.place,
            user_place=user.place if user else placed.place,
        )

    def _named(
        self, known: dict[str, _Placed], what: str, name: str | None, about: str, placed: _Placed
    ) -> _Placed | None:
        if not name:
            return None
        if name not in known:
            raise _refusal(placed, f"{about} names the {what} {name!r}, which no file defines")
        return known[name]

    def _endpoint(self, name: str, placed: _Placed, cluster: _Placed) -> KubeEntry:
        context: _ContextOptions = placed.entry
        options: _ClusterOptions = cluster.entry or _ClusterOptions()
        about = f"cluster {context.cluster!r}"
        trust = options.certificate_authority_data or options.certificate_authority
        insecure = bool(options.insecure_skip_tls_verify)
        if insecure and trust:
            raise _refusal(
                cluster, f"{about} has both a certificate authority and insecure-skip-tls-verify"
            )
        server = _server(options.server or "", tls=bool(trust) or insecure)
        if not server:
            raise _refusal(cluster, f"{about} has no usable server: {options.server!r}")
        proxy, proxy_origin = proxy_for(server, options.proxy_url or "", self._environ)
        return KubeEntry(
            context=name,
            cluster=context.cluster or "",
            server=server,
            namespace=context.namespace or "",
            ca_file=""
            if options.certificate_authority_data
            else cluster.beside(options.certificate_authority),
            ca=_data(
                cluster, about, "certificate-authority-data", options.certificate_authority_data
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


def _refusal(placed: _Placed, message: str) -> ConfigError:
    return ConfigError(message, path=placed.file.path, line=placed.line)


def _server(text: str, *, tls: bool) -> str:
    """Complete an address as client-go does; empty when it cannot be one."""
    address = text.strip().rstrip("/")
    if address and "://" not in address:
        address = f"{'https' if tls else 'http'}://{address}"
    scheme, _, rest = address.partition("://")
    return address if scheme in {"http", "https"} and rest.strip("/") else ""


def _data(placed: _Placed, about: str, field: str, text: str | None) -> bytes:
    try:
        return base64.b64decode("".join((text or "").split()), validate=True)
    except (binascii.Error, ValueError) as failure:
        raise _refusal(placed, f"{field} of {about} is not base64") from failure


def _user(name: str, placed: _Placed | None) -> KubeUser:
    if placed is None:
        return KubeUser(name="")
    options: _UserOptions = placed.entry or _UserOptions()
    about = f"user {name!r}"
    certificate = _data(placed, about, "client-certificate-data", options.client_certificate_data)
    key = _data(placed, about, "client-key-data", options.client_key_data)
    user = KubeUser(
        name=name,
        token=options.token or "",
        token_file=placed.beside(options.token_file),
        username=options.username or "",
        password=options.password or "",
        certificate=certificate,
        certificate_file="" if certificate else placed.beside(options.client_certificate),
        key=key,
        key_file="" if key else placed.beside(options.client_key),
        plugin=_plugin(placed, about, options.exec),
        unsupported=tuple(_unsupported(options)),
    )
    if bool(user.certificate or user.certificate_file) != bool(user.key or user.key_file):
        raise _refusal(placed, f"{about} has a client certificate or a key without the other")
    return user


_EXEC_VERSIONS = ("client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1")


def _plugin(placed: _Placed, about: str, options: _ExecOptions | None) -> ExecPlugin | None:
    if options is None:
        return None
    if not options.command:
        raise _refusal(placed, f"exec of {about} has no command")
    if options.api_version not in _EXEC_VERSIONS:
        raise _refusal(
            placed,
            f"exec apiVersion {options.api_version!r} of {about} is not supported;"
            f" supported: {', '.join(_EXEC_VERSIONS)}",
        )
    has_folder = os.sep in options.command
    return ExecPlugin(
        api_version=options.api_version,
        command=placed.beside(options.command) if has_folder else options.command,
        args=tuple(options.args or ()),
        env=tuple((variable.name, variable.value) for variable in options.env or ()),
        install_hint=options.install_hint or "",
        provide_cluster=bool(options.provide_cluster_info),
    )


def _unsupported(options: _UserOptions) -> Iterator[str]:
    if options.auth_provider:
        name = options.auth_provider.get("name") if isinstance(options.auth_provider, dict) else ""
        yield f"auth-provider {name}".strip()
    if options.impersonate:
        yield "as (impersonation)"
    if options.impersonate_uid:
        yield "as-uid (impersonation)"
    if options.impersonate_groups:
        yield "as-groups (impersonation)"
    if options.impersonate_extra:
        yield "as-user-extra (impersonation)"

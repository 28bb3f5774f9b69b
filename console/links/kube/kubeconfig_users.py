"""Whom a kubeconfig user makes us, and what about it cannot be honoured."""

import os
from collections.abc import Iterator

from console.links.kube.kubeconfig import ExecPlugin, KubeUser
from console.links.kube.kubeconfig_wire import ExecOptions, Placed, UserOptions


def read_user(name: str, placed: Placed | None) -> KubeUser:
    """Return what a users entry makes us; without one, anonymous.

    Raises:
        ConfigError: the entry contradicts itself or cannot be read.

    """
    if placed is None:
        return KubeUser(name="")
    options: UserOptions = placed.entry or UserOptions()
    about = f"user {name!r}"
    certificate = placed.data(about, "client-certificate-data", options.client_certificate_data)
    key = placed.data(about, "client-key-data", options.client_key_data)
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
        raise placed.refusal(f"{about} has a client certificate or a key without the other")
    return user


_EXEC_VERSIONS = ("client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1")


def _plugin(placed: Placed, about: str, options: ExecOptions | None) -> ExecPlugin | None:
    if options is None:
        return None
    if not options.command:
        raise placed.refusal(f"exec of {about} has no command")
    if options.api_version not in _EXEC_VERSIONS:
        raise placed.refusal(
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


def _unsupported(options: UserOptions) -> Iterator[str]:
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

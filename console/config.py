"""Typed settings: what fleet.yaml may say, and what a cluster is once everything is known."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

import msgspec

from console.links.kube.kubeconfig import KubeEntry


class Role(StrEnum):
    """What a cluster is for."""

    MANAGEMENT = "management"
    TENANT = "tenant"


class Options(
    msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True
):
    """Base of every section of fleet.yaml: camelCase keys, unknown ones refused."""


class Aws(Options, frozen=True, kw_only=True):
    """How to reach the cluster's AWS account; references only, never keys."""

    profile: str = ""
    """Profile of the AWS configuration."""
    role_arn: str = ""
    """Role to assume with that profile."""


class ClusterOptions(Options, frozen=True, kw_only=True):
    """One cluster of the fleet; what is left out is derived from its context."""

    context: str
    """Context in the kubeconfig."""
    alias: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9._@-]*$")] = ""
    """Short name in tables and commands; unique over the fleet."""
    role: Role | None = None
    """management or tenant; without it the cluster is asked whether it serves Argo CD."""
    region: str = ""
    """AWS region."""
    account: str = ""
    """AWS account: twelve digits, in quotes."""
    aws: Aws = Aws()
    """AWS profile and role."""
    prometheus: str = ""
    """Address of the Prometheus that watches this cluster."""
    bastion: str = ""
    """SSH host that leads to private addresses: user@host:port."""
    production: bool | None = None
    """Shown with the production banner; guessed from the names when left out."""
    read_only: bool = False
    """The console never writes to this cluster."""


class StandbyPair(Options, frozen=True, kw_only=True):
    """Two clusters of which one takes over when the other is lost."""

    primary: str
    """Alias of the cluster that serves."""
    standby: str
    """Alias of the cluster that waits."""


class Freeze(Options, frozen=True, kw_only=True):
    """A time in which runs are refused."""

    start: Annotated[datetime, msgspec.Meta(tz=True)] = msgspec.field(name="from")
    """First moment, RFC 3339 with its zone."""
    end: Annotated[datetime, msgspec.Meta(tz=True)] = msgspec.field(name="to")
    """First moment after it, RFC 3339 with its zone."""
    reason: str
    """Told to whoever is refused."""
    clusters: tuple[str, ...] = ()
    """Aliases or globs; every cluster when empty."""


class Guards(Options, frozen=True, kw_only=True):
    """Standing rules that refuse runs."""

    read_only_clusters: tuple[str, ...] = ()
    """Aliases or globs of clusters that are never written to."""
    protected_tenants: tuple[str, ...] = ()
    """Bids or globs of tenants that no action may target."""
    freezes: tuple[Freeze, ...] = ()
    """Times without runs."""


Positive = Annotated[float, msgspec.Meta(gt=0)]


class Thresholds(Options, frozen=True, kw_only=True):
    """Limits from which `doctor` calls something a problem."""

    clock_skew_seconds: Positive = 60.0
    """Distance of a server's clock from ours, in seconds."""
    certificate_days: Positive = 14.0
    """Days left before our client certificate ends."""


class FleetFile(Options, frozen=True, kw_only=True):
    """Everything fleet.yaml may say; all of it optional."""

    clusters: tuple[ClusterOptions, ...] = ()
    """The clusters of the fleet; every context of the kubeconfig when empty."""
    standby_pairs: tuple[StandbyPair, ...] = ()
    """Which cluster stands by for which."""
    guards: Guards = Guards()
    """Standing rules that refuse runs."""
    thresholds: Thresholds = Thresholds()
    """Limits from which `doctor` calls something a problem."""


class Settings(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What holds for the whole fleet."""

    standby_pairs: tuple[StandbyPair, ...] = ()
    guards: Guards = Guards()
    thresholds: Thresholds = Thresholds()


class Cluster(msgspec.Struct, frozen=True, kw_only=True):
    """One Kubernetes cluster as the console knows it before asking it anything."""

    alias: str
    context: str
    role: Role | None = None
    """None until the cluster was asked whether it serves Argo CD."""
    region: str = ""
    account: str = ""
    production: bool = False
    read_only: bool = False
    server: str
    insecure: bool = False
    entry: KubeEntry
    aws: Aws = Aws()
    prometheus: str = ""
    bastion: str = ""

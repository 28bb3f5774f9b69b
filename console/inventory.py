"""Which clusters there are: kubeconfig and fleet.yaml, joined and checked."""

import os
from collections.abc import Callable, Iterable, Mapping
from fnmatch import fnmatchcase
from pathlib import Path

import msgspec

from console import paths
from console.config import Cluster, ClusterOptions, Settings
from console.errors import ConfigError
from console.fleet_text import FleetText, nearest
from console.links.kube.kubeconfig import Kubeconfig, KubeEntry
from console.links.kube.kubeconfig_files import read_kubeconfig
from console.names import Guess, guess, guess_production, unique_aliases


class Inventory(msgspec.Struct, frozen=True, kw_only=True):
    """The fleet as configured; nothing was asked of any cluster."""

    clusters: tuple[Cluster, ...]
    settings: Settings
    problems: tuple[str, ...] = ()
    broken: dict[str, str] = {}
    """Contexts that cannot be used, with the reason."""
    unlisted: tuple[str, ...] = ()
    """Contexts of the kubeconfig that fleet.yaml leaves out."""
    origins: dict[str, str] = {}
    """Where values come from, by dotted path: clusters.usw2.region."""
    kubeconfig_files: tuple[str, ...] = ()
    kubeconfig_origin: str = ""
    fleet_file: str = ""

    def choose(self, patterns: tuple[str, ...]) -> tuple[str, ...]:
        """Return the aliases that names or globs (on alias or context) choose; all for none.

        Raises:
            ConfigError: one of them chooses nothing; names the nearest.

        """
        if not patterns:
            return tuple(cluster.alias for cluster in self.clusters)
        chosen: dict[str, None] = {}
        for pattern in patterns:
            found = matching(self.clusters, pattern)
            if not found:
                raise self._unknown(pattern)
            chosen |= dict.fromkeys(found)
        return tuple(chosen)

    def named(self, name: str) -> Cluster:
        """Return the cluster of an alias or context.

        Raises:
            ConfigError: there is none; names the nearest.

        """
        by_context = {cluster.context: cluster for cluster in reversed(self.clusters)}
        by_alias = {cluster.alias: cluster for cluster in self.clusters}
        found = (by_context | by_alias).get(name)
        if found is None:
            raise self._unknown(name)
        return found

    def _unknown(self, name: str) -> ConfigError:
        if name in self.broken:
            return ConfigError(f"context {name!r} cannot be used: {self.broken[name]}")
        if name in self.unlisted:
            return ConfigError(
                f"context {name!r} is not in the fleet",
                remedy=f"add it to the clusters of {self.fleet_file}",
            )
        known = [name for cluster in self.clusters for name in (cluster.alias, cluster.context)]
        return ConfigError(f"no cluster or context matches {name!r}", remedy=nearest(name, known))


def matching(clusters: Iterable[Cluster], pattern: str) -> list[str]:
    """Return the aliases that a name or glob means; an exact name means nothing else."""
    clusters = tuple(clusters)
    tests: tuple[Callable[[Cluster], bool], ...] = (
        lambda cluster: cluster.alias == pattern,
        lambda cluster: cluster.context == pattern,
        lambda cluster: (
            fnmatchcase(cluster.alias, pattern) or fnmatchcase(cluster.context, pattern)
        ),
    )
    for test in tests:
        if found := [cluster.alias for cluster in clusters if test(cluster)]:
            return found
    return []


def load(
    *,
    kubeconfig: str | None = None,
    fleet_file: str | None = None,
    environ: Mapping[str, str] = os.environ,
) -> Inventory:
    """Read kubeconfig and fleet.yaml, and say which clusters they make.

    Raises:
        ConfigError: a file is missing, broken or contradicts itself; says where.

    """
    kube = read_kubeconfig(kubeconfig, environ)
    path = Path(fleet_file) if fleet_file else paths.config_dir() / "fleet.yaml"
    written = FleetText.read(path) if fleet_file or path.exists() else FleetText.empty()
    return _Join(kube, written).inventory()


_Pair = tuple[KubeEntry, ClusterOptions, int | None]


class _Join:
    """Lays fleet.yaml over the contexts."""

    def __init__(self, kube: Kubeconfig, written: FleetText) -> None:
        self._kube = kube
        self._written = written
        self._fleet = written.options
        self._problems = list(kube.problems)
        self._origins = written.section_origins()

    def inventory(self) -> Inventory:
        pairs = self._pairs()
        clusters = self._clusters(pairs)
        listed = {cluster.context for cluster in clusters}
        known = [name for cluster in clusters for name in (cluster.alias, cluster.context)]
        known += [options.alias for options in self._fleet.clusters]
        self._written.check([*known, *self._kube.broken])
        if not clusters:
            raise ConfigError(f"no context can be used: {self._problems[0]}")
        return Inventory(
            clusters=clusters,
            settings=Settings(
                standby_pairs=self._fleet.standby_pairs,
                guards=self._fleet.guards,
                thresholds=self._fleet.thresholds,
            ),
            problems=tuple(self._problems),
            broken=self._kube.broken,
            unlisted=tuple(
                entry.context for entry in self._kube.entries if entry.context not in listed
            ),
            origins=self._origins,
            kubeconfig_files=self._kube.files,
            kubeconfig_origin=self._kube.origin,
            fleet_file=self._written.path,
        )

    def _pairs(self) -> list[_Pair]:
        """Join each cluster of the file with its context; all contexts when it lists none."""
        entries = {entry.context: entry for entry in self._kube.entries}
        if not self._fleet.clusters:
            return [(entry, ClusterOptions(context=name), None) for name, entry in entries.items()]
        pairs: list[_Pair] = []
        seen: set[str] = set()
        for index, options in enumerate(self._fleet.clusters):
            place = ("clusters", index, "context")
            if options.context in seen:
                raise self._written.refusal(f"context {options.context!r} is listed twice", *place)
            seen.add(options.context)
            if options.context in self._kube.broken:
                message = f"context {options.context!r} cannot be used"
                self._problems.append(str(self._written.refusal(message, *place)))
            elif options.context not in entries:
                raise self._written.refusal(
                    f"no kubeconfig defines the context {options.context!r}",
                    *place,
                    remedy=nearest(options.context, entries),
                )
            else:
                pairs.append((entries[options.context], options, index))
        return pairs

    def _clusters(self, pairs: list[_Pair]) -> tuple[Cluster, ...]:
        taken: set[str] = set()
        for _, options, index in pairs:
            if options.alias and options.alias in taken:
                raise self._written.refusal(
                    f"alias {options.alias!r} is given twice", "clusters", index or 0, "alias"
                )
            taken.add(options.alias)
        guesses = [guess(entry) for entry, _, _ in pairs]
        derived = unique_aliases(
            [
                msgspec.structs.replace(found, alias="") if options.alias else found
                for found, (_, options, _) in zip(guesses, pairs, strict=True)
            ],
            taken,
        )
        return tuple(
            self._cluster(entry, options, index, found, alias)
            for (entry, options, index), found, alias in zip(pairs, guesses, derived, strict=True)
        )

    def _cluster(
        self,
        entry: KubeEntry,
        options: ClusterOptions,
        index: int | None,
        found: Guess,
        derived: str,
    ) -> Cluster:
        production = options.production
        cluster = Cluster(
            alias=options.alias or derived,
            context=entry.context,
            role=options.role,
            region=options.region or found.region,
            account=options.account or found.account,
            production=guess_production(entry) if production is None else production,
            read_only=options.read_only
            or any(
                fnmatchcase(name, pattern)
                for pattern in self._fleet.guards.read_only_clusters
                for name in (options.alias or derived, entry.context)
            ),
            server=entry.server,
            insecure=entry.insecure,
            entry=entry,
            aws=options.aws,
            prometheus=options.prometheus,
            bastion=options.bastion,
        )
        self._note_origins(cluster, index, found)
        return cluster

    def _note_origins(self, cluster: Cluster, index: int | None, found: Guess) -> None:
        entry = cluster.entry
        base = f"clusters.{cluster.alias}"
        derived = f"derived from {found.origin}"
        origins = {
            "alias": derived,
            "context": entry.place,
            "role": "asked of the cluster",
            "region": derived if found.region else "not known",
            "account": derived if found.account else "not known",
            "production": "guessed from the names",
            "readOnly": "default",
            "server": entry.cluster_place,
            "user": entry.user_place,
            "insecure": entry.cluster_place if cluster.insecure else "default",
            "proxy": {"proxy-url": entry.cluster_place, "": "none"}.get(
                entry.proxy_origin, entry.proxy_origin
            ),
            "aws": "default",
            "prometheus": "default",
            "bastion": "default",
        }
        if cluster.read_only:
            origins["readOnly"] = self._written.place("guards", "readOnlyClusters")
        if index is not None:
            origins |= self._written.cluster_origins(index)
        self._origins |= {f"{base}.{name}": origin for name, origin in origins.items()}

"""What a context's name gives away: alias, region and account."""

import re
from collections import Counter
from collections.abc import Collection, Sequence

import msgspec

from console.links.kube.kubeconfig import KubeEntry

_ARN = re.compile(
    r"arn:aws[a-z-]*:eks:(?P<region>[a-z0-9-]+):(?P<account>\d{12}):cluster/(?P<name>.+)"
)
_EKSCTL = re.compile(r"(?:[^@]+@)?(?P<name>[^@.]+)\.(?P<region>[a-z0-9-]+)\.eksctl\.io")
_REGION = re.compile(
    r"(?<![a-z0-9])((?:us-gov|us-iso[a-z]?|af|ap|ca|cn|eu|il|me|mx|sa|us)"
    r"-(?:north|south|east|west|central|northeast|northwest|southeast|southwest)-\d)(?!\d)"
)
_ENDPOINT = re.compile(r"\.([a-z0-9-]+)\.eks\.amazonaws\.com")
_NOT_PRODUCTION = re.compile(r"(non|pre|not)[-_.]?prod")
_UNFIT = re.compile(r"[^\w.@-]+", re.ASCII)


class Guess(msgspec.Struct, frozen=True, kw_only=True):
    """Alias, region and account as the names tell them, and which name did."""

    alias: str
    region: str = ""
    account: str = ""
    origin: str


def guess(entry: KubeEntry) -> Guess:
    """Read a context's names: an EKS ARN, eksctl's form, else the context name as it is."""
    # A context that was renamed bears the alias its owner wants; the rest is in its cluster.
    for name in (entry.context, entry.cluster):
        for pattern, origin in ((_ARN, "the EKS ARN"), (_EKSCTL, "the eksctl name")):
            if match := pattern.fullmatch(name):
                parts = match.groupdict(default="")
                return Guess(
                    alias=_fit(_short(entry.context)),
                    region=parts["region"],
                    account=parts.get("account", ""),
                    origin=origin,
                )
    region = _REGION.search(entry.context.lower()) or _REGION.search(entry.cluster.lower())
    endpoint = _ENDPOINT.search(entry.server)
    return Guess(
        alias=_fit(entry.context),
        region=region[1] if region else endpoint[1] if endpoint else "",
        origin="the context name",
    )


def _short(context: str) -> str:
    match = _ARN.fullmatch(context) or _EKSCTL.fullmatch(context)
    return match["name"] if match else context


def guess_production(entry: KubeEntry) -> bool:
    """Take a cluster for production when a name says so; a wrong yes only asks once more."""
    names = f"{entry.context} {entry.cluster}".lower()
    return "prod" in _NOT_PRODUCTION.sub("", names)


def unique_aliases(guesses: Sequence[Guess], taken: Collection[str] = ()) -> list[str]:
    """Tell equal aliases apart: by region, else by account, else by number."""
    aliases = [found.alias for found in guesses]
    for part in ("region", "account"):
        counts = Counter(aliases)
        aliases = [
            f"{alias}-{extra}"
            if alias and (counts[alias] > 1 or alias in taken) and (extra := getattr(found, part))
            else alias
            for alias, found in zip(aliases, guesses, strict=True)
        ]
    used = set(taken) - {""}
    for index, alias in enumerate(aliases):
        number = 2
        while aliases[index] in used and aliases[index]:
            aliases[index] = f"{alias}-{number}"
            number += 1
        used.add(aliases[index])
    return aliases


def _fit(name: str) -> str:
    """Make a name that stands in a key and on a command line."""
    return _UNFIT.sub("-", name).strip("-") or "cluster"

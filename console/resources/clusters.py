"""Clusters: what each API server is and how talking to it goes."""

from typing import Any

from console.record import Record, Tone, Word
from console.store import PROBE, Freshness, Snapshot, Source, SourceState
from console.units import format_age
from console.view import Column, View


class Cluster(Record, frozen=True, kw_only=True):
    """One API server of the fleet, as configured and as it introduced itself."""

    version_text: str | None = None
    """None until it has answered."""
    role: str | None = None
    """None until it is known whether it serves Argo CD."""
    region: str = ""
    account: str = ""
    production: bool = False
    read_only: bool = False
    insecure: bool = False
    """Its certificate is not looked at."""
    server: str = ""
    user: str = ""
    context: str = ""


def word(cluster: Cluster, look: Snapshot) -> Word:
    """Name how talking to the cluster goes."""
    source = look.source(cluster.key.cluster, PROBE)
    if source is None or (source.contact_at is None and not source.error):
        return Word("CONNECTING", Tone.PROGRESS, "no answer yet")
    if source.state is SourceState.FAILING:
        return _failing(source)
    freshness = look.freshness(cluster.key.cluster, PROBE)
    if freshness is not Freshness.FRESH:
        return Word("STALE", Tone.STALE, f"no answer for {_silence(source, look)}")
    if abs(source.skew_seconds) > _SKEW_SECONDS:
        ahead = "ahead" if source.skew_seconds > 0 else "behind"
        text = f"its clock is {format_age(abs(source.skew_seconds))} {ahead} of ours"
        return Word("CLOCK SKEW", Tone.WARN, text)
    return Word("OK", Tone.OK)


# Tokens and signatures begin to fail at about a minute (domain rule: warn above it).
_SKEW_SECONDS = 60.0


def _failing(source: Source) -> Word:
    if source.status == 401:
        return Word("LOGIN NEEDED", Tone.BAD, source.error)
    if source.status == 429:
        return Word("THROTTLED", Tone.WARN, source.error)
    if source.status is not None:
        return Word("FAILING", Tone.BAD, source.error)
    return Word("UNREACHABLE", Tone.BAD, source.error)


def _silence(source: Source, look: Snapshot) -> str:
    return format_age(None if source.contact_at is None else look.now() - source.contact_at)


def probe_source(cluster: Cluster, look: Snapshot) -> Source | None:
    """Return how the cluster's own probe goes."""
    return look.source(cluster.key.cluster, PROBE)


def oldest_contact(cluster: Cluster, look: Snapshot) -> float | None:
    """Return the oldest sign of life of all that is read from a cluster."""
    moments = [
        source.contact_at for source in look.sources() if source.cluster == cluster.key.cluster
    ]
    known = [moment for moment in moments if moment is not None]
    return min(known) if known and len(known) == len(moments) else None


def _age(cluster: Cluster, look: Snapshot) -> str:
    oldest = oldest_contact(cluster, look)
    return format_age(None if oldest is None else look.now() - oldest)


def _error(cluster: Cluster, look: Snapshot) -> str:
    source = probe_source(cluster, look)
    return source.error if source else ""


def _retry(cluster: Cluster, look: Snapshot) -> str:
    source = probe_source(cluster, look)
    if source is None or source.retry_at is None or not source.error:
        return ""
    return f"in {format_age(max(0.0, source.retry_at - look.now()))}"


def _extra(cluster: Cluster, look: Snapshot) -> dict[str, Any]:
    source = probe_source(cluster, look)
    return {
        "error": source.error if source else "",
        "remedy": source.remedy if source else "",
        "attempts": source.attempts if source else 0,
        "skewSeconds": source.skew_seconds if source else None,
    }


VIEW = View[Cluster](
    kind=PROBE,
    title="Clusters",
    record=Cluster,
    aliases=("clusters", "ctx", "context", "contexts"),
    word=word,
    namespaced=False,
    extra=_extra,
    columns=(
        Column[Cluster](title="Name", text=lambda c, _: c.key.name),
        Column[Cluster](title="State", text=word, order=lambda c, s: word(c, s).tone.severity),
        Column[Cluster](title="Role", text=lambda c, _: c.role or "?"),
        Column[Cluster](title="Region", text=lambda c, _: c.region or "-"),
        Column[Cluster](title="Version", text=lambda c, _: c.version_text or "?"),
        Column[Cluster](title="Data age", text=_age, order=oldest_contact, right=True),
        Column[Cluster](title="Error", text=_error),
        Column[Cluster](title="Retry", text=_retry),
        Column[Cluster](title="Context", text=lambda c, _: c.context, wide=True),
        Column[Cluster](title="Server", text=lambda c, _: c.server, wide=True),
        Column[Cluster](title="User", text=lambda c, _: c.user, wide=True),
        Column[Cluster](title="Account", text=lambda c, _: c.account or "-", wide=True),
        Column[Cluster](
            title="Writes", text=lambda c, _: "read-only" if c.read_only else "allowed", wide=True
        ),
        Column[Cluster](
            title="TLS", text=lambda c, _: "NOT VERIFIED" if c.insecure else "verified", wide=True
        ),
    ),
)

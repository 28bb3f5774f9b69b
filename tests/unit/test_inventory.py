from datetime import UTC, datetime
from pathlib import Path

import pytest

from console.config import Cluster, Role
from console.errors import ConfigError
from console.inventory import Inventory, load

ARN = "arn:aws:eks:{region}:{account}:cluster/{name}"


class Desk:
    """A folder with a kubeconfig of some contexts, and perhaps a fleet.yaml."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def load(self, *contexts: str, fleet: str = "") -> Inventory:
        lines = [f"- {{name: '{name}', cluster: {{server: 'https://h'}}}}" for name in contexts]
        named = [
            f"- {{name: '{name}', context: {{cluster: '{name}', user: u}}}}" for name in contexts
        ]
        (self.folder / "config").write_text(
            "\n".join(
                ["clusters:", *lines, "users: [{name: u, user: {token: t}}]", "contexts:", *named]
            )
        )
        (self.folder / "fleet.yaml").write_text(fleet)
        return load(
            kubeconfig=str(self.folder / "config"),
            fleet_file=str(self.folder / "fleet.yaml"),
            environ={},
        )

    def refusal(self, *contexts: str, fleet: str) -> str:
        with pytest.raises(ConfigError) as caught:
            self.load(*contexts, fleet=fleet)
        told = str(caught.value)
        assert told.startswith(f"{self.folder}/fleet.yaml:")
        return told.removeprefix(f"{self.folder}/fleet.yaml:")


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def facts(cluster: Cluster) -> tuple[str, str, str]:
    return cluster.alias, cluster.region, cluster.account


@pytest.mark.parametrize(
    ("context", "expected"),
    [
        (
            ARN.format(region="eu-central-1", account="123456789012", name="shop"),
            ("shop", "eu-central-1", "123456789012"),
        ),
        ("sre@shop.us-west-2.eksctl.io", ("shop", "us-west-2", "")),
        ("shop.us-west-2.eksctl.io", ("shop", "us-west-2", "")),
        ("prod-ap-southeast-1", ("prod-ap-southeast-1", "ap-southeast-1", "")),
        ("kind-local", ("kind-local", "", "")),
        ("default/api-shop:6443/admin", ("default-api-shop-6443-admin", "", "")),
        ("café du coin", ("caf-du-coin", "", "")),
        ("///", ("cluster", "", "")),
    ],
)
def test_alias_region_and_account_come_from_the_names(
    desk: Desk, context: str, expected: tuple[str, str, str]
) -> None:
    assert facts(desk.load(context).clusters[0]) == expected


def test_equal_aliases_are_told_apart_by_region_then_account_then_number(desk: Desk) -> None:
    names = [
        ARN.format(region="eu-central-1", account="1" * 12, name="shop"),
        ARN.format(region="us-west-2", account="1" * 12, name="shop"),
        ARN.format(region="us-west-2", account="2" * 12, name="shop"),
        "a b",
        "a-b",
    ]
    aliases = [cluster.alias for cluster in desk.load(*names).clusters]
    assert aliases == [
        "shop-eu-central-1",
        f"shop-us-west-2-{'1' * 12}",
        f"shop-us-west-2-{'2' * 12}",
        "a-b",
        "a-b-2",
    ]


def test_a_derived_alias_gives_way_to_a_written_one(desk: Desk) -> None:
    fleet = "clusters: [{context: shop}, {context: other, alias: shop}]"
    found = desk.load("shop", "other", fleet=fleet)
    assert [cluster.alias for cluster in found.clusters] == ["shop-2", "shop"]


@pytest.mark.parametrize(
    ("context", "production"),
    [
        ("prod-eu", True),
        ("eu-production", True),
        ("shopPROD1", True),
        ("staging", False),
        ("nonprod-eu", False),
        ("pre-prod", False),
        ("preprod-and-prod", True),
    ],
)
def test_names_that_say_prod_are_production(desk: Desk, context: str, production: bool) -> None:
    assert desk.load(context).clusters[0].production is production


def test_without_a_role_the_cluster_is_to_be_asked(desk: Desk) -> None:
    assert desk.load("a").clusters[0].role is None


def test_fleet_yaml_wins_over_what_names_say(desk: Desk) -> None:
    fleet = """
clusters:
  - context: prod-us-west-2
    alias: usw2
    role: tenant
    region: us-east-1
    account: "123456789012"
    aws: {profile: sre, roleArn: "arn:aws:iam::123456789012:role/sre"}
    prometheus: http://127.0.0.1:9090
    bastion: sre@127.0.0.1:22
    production: false
    readOnly: true
"""
    (cluster,) = desk.load("prod-us-west-2", "other", fleet=fleet).clusters
    assert facts(cluster) == ("usw2", "us-east-1", "123456789012")
    assert cluster.role is Role.TENANT
    assert (cluster.production, cluster.read_only) == (False, True)
    assert cluster.aws.profile == "sre"


def test_an_empty_fleet_yaml_means_every_context(desk: Desk) -> None:
    found = desk.load("a", "b", fleet="# nothing yet\n")
    assert found.choose(()) == ("a", "b")


def test_contexts_that_fleet_yaml_leaves_out_are_named_when_chosen(desk: Desk) -> None:
    found = desk.load("a", "b", fleet="clusters: [{context: a}]")
    assert found.unlisted == ("b",)
    with pytest.raises(ConfigError, match="context 'b' is not in the fleet"):
        found.choose(("b",))


def test_guards_make_clusters_read_only_by_name_or_glob(desk: Desk) -> None:
    found = desk.load("a-1", "a-2", "b", fleet="guards: {readOnlyClusters: ['a-*']}")
    assert [cluster.read_only for cluster in found.clusters] == [True, True, False]


def test_a_freeze_keeps_the_moments_as_written(desk: Desk) -> None:
    fleet = """
guards:
  protectedTenants: [acme, 'gov-*']
  freezes:
    - {from: 2026-12-24T00:00:00Z, to: 2026-12-27T00:00:00+01:00, reason: feast, clusters: [a]}
"""
    guards = desk.load("a", "b", fleet=fleet).settings.guards
    assert guards.protected_tenants == ("acme", "gov-*")
    (freeze,) = guards.freezes
    assert freeze.start == datetime(2026, 12, 24, tzinfo=UTC)
    assert freeze.end == datetime(2026, 12, 26, 23, tzinfo=UTC)
    assert (freeze.reason, freeze.clusters) == ("feast", ("a",))


def test_scopes_are_chosen_by_alias_context_or_glob_in_the_order_asked(desk: Desk) -> None:
    fleet = "clusters: [{context: prod-a, alias: a}, {context: prod-b, alias: b}]"
    found = desk.load("prod-a", "prod-b", fleet=fleet)
    assert found.choose(("b", "a")) == ("b", "a")
    assert found.choose(("prod-a",)) == ("a",)
    assert found.choose(("prod-*", "b")) == ("a", "b")
    assert found.choose(("?",)) == ("a", "b")


def test_an_exact_name_is_no_glob(desk: Desk) -> None:
    found = desk.load("a[1]", "a1")
    assert found.choose(("a[1]",)) == ("a-1",)
    assert found.choose(("a[0-9]",)) == ("a1",)


def test_an_unknown_name_is_refused_with_the_nearest(desk: Desk) -> None:
    found = desk.load("prod-us-west-2", "prod-eu-central-1")
    with pytest.raises(
        ConfigError, match=r"matches 'prod-us-west-1' \(did you mean prod-us-west-2"
    ):
        found.choose(("prod-us-west-1",))
    with pytest.raises(ConfigError, match="known: prod-us-west-2, prod-eu-central-1"):
        found.named("zzz")


def test_a_broken_context_is_refused_with_its_reason(desk: Desk, tmp_path: Path) -> None:
    desk.load("a")
    text = (tmp_path / "config").read_text()
    (tmp_path / "config").write_text(f"{text}\n- {{name: b, context: {{cluster: zz}}}}\n")
    found = load(kubeconfig=str(tmp_path / "config"), fleet_file=None, environ={})
    with pytest.raises(ConfigError, match=r"context 'b' cannot be used: .*config:6: .*'zz'"):
        found.choose(("b",))


def test_a_missing_fleet_file_that_was_asked_for_is_refused(desk: Desk, tmp_path: Path) -> None:
    desk.load("a")
    with pytest.raises(ConfigError, match=r"none\.yaml: cannot be read: No such file"):
        load(kubeconfig=f"{tmp_path}/config", fleet_file=f"{tmp_path}/none.yaml", environ={})


# Each is refused at the line that has the `#!`, with what stands behind it.
WRONG = """
cluster: []  #! unknown key 'cluster' (did you mean 'clusters'?)
---
clusters:
- context: a
  prodution: true  #! unknown key 'prodution' in clusters[0] (did you mean 'production'?)
---
guards:
  freeze: []  #! unknown key 'freeze' in guards (did you mean 'freezes'?)
---
clusters:
- context: a
  aws:
    rolearn: x  #! unknown key 'rolearn' in clusters[0].aws (did you mean 'roleArn'?)
---
clusters:
- context: a
  zzz: 1  #! unknown key 'zzz' in clusters[0] (known: context, alias, role,
---
clusters:
- context: a
  account: 123456789012  #! clusters[0].account: expected text, got a whole number (put it in
---
clusters:
- context: a
  production: maybe  #! clusters[0].production: expected true or false or nothing, got text
---
clusters:
- context: a
  role: boss  #! clusters[0].role: invalid enum value 'boss'
---
clusters:
- alias: a  #! clusters[0]: missing required field `context`
---
clusters: {context: a}  #! clusters: expected a list, got a mapping
---
clusters:
- context: a
  alias: a b  #! clusters[0].alias: expected `str` matching regex
---
clusters:
- context: a
- context: zzz  #! no kubeconfig defines the context 'zzz' (known: a, b)
---
clusters:
- context: a
- context: a  #! context 'a' is listed twice
---
clusters:
- {context: a, alias: x}
- {context: b, alias: x}  #! alias 'x' is given twice
---
clusters:
- context: a
  region: x
  region: y  #! key 'region' is given twice
---
guards:
  readOnlyClusters:
  - a
  - aa  #! no cluster is called 'aa' (did you mean a?)
---
standbyPairs:
- {primary: a, standby: c}  #! no cluster is called 'c'
---
standbyPairs:
- {primary: a, standby: a}  #! 'a' cannot stand by for itself
---
guards:
  freezes:
  - from: 2026-01-02T00:00:00Z
    to: 2026-01-01T00:00:00Z  #! a freeze ends before it begins
    reason: r
---
guards:
  freezes:
  - from: 2026-01-02T00:00:00  #! guards.freezes[0].from: expected `datetime` with a timezone
    to: 2026-01-03T00:00:00Z
    reason: r
---
guards:
  freezes:
  - from: 2026-01-02  #! guards.freezes[0].from: invalid RFC3339
    to: 2026-01-03T00:00:00Z
    reason: r
---
thresholds: {certificateDays: 0}  #! thresholds.certificateDays: expected `float` > 0
---
clusters:
- context: a
 x: [1  #! is not YAML
"""


@pytest.mark.parametrize("fleet", WRONG.strip().split("\n---\n"))
def test_what_fleet_yaml_may_not_say_is_refused_with_its_line(desk: Desk, fleet: str) -> None:
    lines = fleet.splitlines()
    (line,) = (number for number, text in enumerate(lines, 1) if "#!" in text)
    told = lines[line - 1].partition("#! ")[2]
    assert desk.refusal("a", "b", fleet=fleet).startswith(f"{line}: {told}")


def test_every_value_of_a_cluster_has_an_origin(desk: Desk, tmp_path: Path) -> None:
    found = desk.load(
        "prod-us-west-2", fleet="clusters:\n- context: prod-us-west-2\n  role: tenant"
    )
    origins = found.origins
    assert origins["clusters.prod-us-west-2.role"] == f"{tmp_path}/fleet.yaml:3"
    assert origins["clusters.prod-us-west-2.region"] == "derived from the context name"
    assert origins["clusters.prod-us-west-2.production"] == "guessed from the names"
    assert origins["clusters.prod-us-west-2.server"] == f"{tmp_path}/config:2"

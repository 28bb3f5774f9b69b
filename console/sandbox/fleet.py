"""The fleet: four clusters, the files that lead to them, and their life."""

import asyncio
import json
import ssl
import stat
import sys
from pathlib import Path

import yaml

from console.sandbox import certificates, seed
from console.sandbox.auth import Users
from console.sandbox.cluster import Cluster
from console.sandbox.life import heal, releases

CLUSTERS = (
    ("mgmt-us-west-2", "mgmt", "us-west-2", "v1.34.2"),
    ("prod-us-west-2", "usw2", "us-west-2", "v1.34.2"),
    ("prod-eu-central-1", "euc1", "eu-central-1", "v1.33.6"),
    ("prod-ap-southeast-1", "apse1", "ap-southeast-1", "v1.34.2"),
)
EXEC_CLUSTER = "prod-ap-southeast-1"
"""The cluster whose user gets its token from a credential plugin."""

_PLUGIN = """#!{python}
import json, sys
from pathlib import Path
found = json.loads(Path({state!r}).read_text())
if found["expired"]:
    sys.exit("Error: the SSO session has expired; run: aws sso login --profile sandbox")
print(json.dumps({{"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential",
    "status": {{"token": found["token"], "expirationTimestamp": found["until"]}}}}))
"""


class Fleet:
    """Four clusters and a folder that tells clients how to reach them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.users = Users()
        self.clusters = {
            context: Cluster(
                context, region, self.users, version=version, management=alias == "mgmt"
            )
            for context, alias, region, version in CLUSTERS
        }
        self._exec_token = ""

    @property
    def kubeconfig(self) -> Path:
        return self.folder / "kubeconfig"

    @property
    def fleet_file(self) -> Path:
        return self.folder / "fleet.yaml"

    async def open(self) -> None:
        """Listen, fill the clusters, write the files."""
        ca, server = certificates.write(self.folder)
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(server)
        for cluster in self.clusters.values():
            await cluster.open(tls)
        seed.plant(self.clusters)
        self._issue(expired=False)
        _private(self.folder / "tokens.json", json.dumps(self.users.tokens))
        _private(self.kubeconfig, yaml.safe_dump(self._kubeconfig(ca), sort_keys=False))
        self.fleet_file.write_text(yaml.safe_dump(_fleet_file(), sort_keys=False))

    async def live(self) -> None:
        """Run every cluster's controllers, and a release now and then."""
        async with asyncio.TaskGroup() as tasks:
            for cluster in self.clusters.values():
                tasks.create_task(cluster.live())
            tasks.create_task(releases(self.clusters))
            tasks.create_task(heal(self.clusters))

    async def close(self) -> None:
        """Stop every cluster."""
        for cluster in self.clusters.values():
            await cluster.close()

    async def add_fault(self, name: str, where: str | None) -> None:
        """Switch a fault on in one cluster, or in all."""
        for cluster in self._named(where):
            await cluster.add_fault(name)
        self._follow_exec_fault()

    async def clear_faults(self, name: str = "", where: str | None = None) -> None:
        """Switch one fault off, or all of them."""
        for cluster in self._named(where):
            await cluster.clear_faults(name)
        self._follow_exec_fault()

    def _named(self, where: str | None) -> list[Cluster]:
        return [self.clusters[where]] if where else [*self.clusters.values()]

    def _follow_exec_fault(self) -> None:
        expired = "expired-exec-token" in self.clusters[EXEC_CLUSTER].faults.active
        if expired == bool(self._exec_token):
            self._issue(expired=expired)

    def _issue(self, *, expired: bool) -> None:
        if expired:
            self.users.revoke(self._exec_token)
            self._exec_token = ""
        else:
            self._exec_token = self.users.issue("sre")
        state = {"expired": expired, "token": self._exec_token, "until": "2099-01-01T00:00:00Z"}
        _private(self.folder / "exec-token.json", json.dumps(state))

    def _kubeconfig(self, ca: Path) -> dict[str, object]:
        plugin = self.folder / "exec-credential"
        source = _PLUGIN.format(python=sys.executable, state=str(self.folder / "exec-token.json"))
        _private(plugin, source, executable=True)
        call = {
            "apiVersion": "client.authentication.k8s.io/v1",
            "command": str(plugin),
            "interactiveMode": "Never",
        }
        users: list[dict[str, object]] = [
            {"name": "sre", "user": {"token": self.users.tokens["sre"]}},
            {"name": "sre-exec", "user": {"exec": call}},
        ]
        return {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": CLUSTERS[0][0],
            "clusters": [
                {
                    "name": name,
                    "cluster": {"server": one.url, "certificate-authority": str(ca)},
                }
                for name, one in self.clusters.items()
            ],
            "users": users,
            "contexts": [
                {
                    "name": name,
                    "context": {
                        "cluster": name,
                        "user": "sre-exec" if name == EXEC_CLUSTER else "sre",
                    },
                }
                for name in self.clusters
            ],
        }


def _fleet_file() -> dict[str, object]:
    return {
        "clusters": [
            {"context": context, "alias": alias, "role": "management", "region": region}
            if alias == "mgmt"
            else {
                "context": context,
                "alias": alias,
                "role": "tenant",
                "region": region,
                "production": True,
            }
            for context, alias, region, _ in CLUSTERS
        ]
    }


def _private(path: Path, text: str, *, executable: bool = False) -> None:
    path.touch(mode=stat.S_IRUSR | stat.S_IWUSR)
    if executable:
        path.chmod(stat.S_IRWXU)
    path.write_text(text)

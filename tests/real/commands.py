"""The command lines of a control plane's servers."""

from pathlib import Path

import msgspec

from tests.real.certificates import Pair
from tests.real.servers import KUBERNETES

Command = list[str | Path]


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """Where the servers of one control plane listen and what they keep."""

    folder: Path
    ca_file: Path
    etcd_port: int
    etcd_peer_port: int
    port: int
    controller_manager_port: int
    scheduler_port: int
    serving: Pair
    front_proxy_ca: Path
    front_proxy: Pair
    signing_key: Path
    token_file: Path

    @property
    def etcd_url(self) -> str:
        return f"http://127.0.0.1:{self.etcd_port}"


def etcd(plan: Plan) -> Command:
    """Return the store's command: no disk flushes, as its life is short."""
    peer = f"http://127.0.0.1:{plan.etcd_peer_port}"
    return [
        KUBERNETES.program("etcd"),
        f"--data-dir={plan.folder / 'etcd'}",
        "--unsafe-no-fsync",
        f"--listen-client-urls={plan.etcd_url}",
        f"--advertise-client-urls={plan.etcd_url}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=default={peer}",
    ]


def apiserver(plan: Plan) -> Command:
    """Return the API server's command."""
    return [
        KUBERNETES.program("kube-apiserver"),
        f"--etcd-servers={plan.etcd_url}",
        "--bind-address=127.0.0.1",
        f"--secure-port={plan.port}",
        f"--cert-dir={plan.folder}",
        "--service-cluster-ip-range=10.0.0.0/16",
        "--authorization-mode=RBAC",
        f"--token-auth-file={plan.token_file}",
        f"--client-ca-file={plan.ca_file}",
        f"--tls-cert-file={plan.serving.certificate}",
        f"--tls-private-key-file={plan.serving.key}",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={plan.signing_key}",
        f"--service-account-signing-key-file={plan.signing_key}",
        # Else open watches hold its end up for a minute.
        "--shutdown-send-retry-after=true",
        # Pods are made before any controller could give their namespace an account.
        "--disable-admission-plugins=ServiceAccount",
        "--endpoint-reconciler-type=none",
        f"--requestheader-client-ca-file={plan.front_proxy_ca}",
        "--requestheader-allowed-names=",
        "--requestheader-username-headers=X-Remote-User",
        "--requestheader-group-headers=X-Remote-Group",
        "--requestheader-extra-headers-prefix=X-Remote-Extra-",
        f"--proxy-client-cert-file={plan.front_proxy.certificate}",
        f"--proxy-client-key-file={plan.front_proxy.key}",
    ]


def controller_manager(plan: Plan, kubeconfig: Path) -> Command:
    """Return the controllers' command, with an autoscaler that looks every two seconds."""
    return [
        KUBERNETES.program("kube-controller-manager"),
        *_component(plan, kubeconfig, plan.controller_manager_port),
        "--use-service-account-credentials=false",
        f"--service-account-private-key-file={plan.signing_key}",
        # The default of 20 requests a second would slow a hundred autoscalers down.
        "--kube-api-qps=400",
        "--kube-api-burst=400",
        "--horizontal-pod-autoscaler-sync-period=2s",
        "--horizontal-pod-autoscaler-cpu-initialization-period=5s",
        "--horizontal-pod-autoscaler-initial-readiness-delay=1s",
    ]


def scheduler(plan: Plan, kubeconfig: Path) -> Command:
    """Return the scheduler's command."""
    return [
        KUBERNETES.program("kube-scheduler"),
        *_component(plan, kubeconfig, plan.scheduler_port),
    ]


def _component(plan: Plan, kubeconfig: Path, port: int) -> Command:
    return [
        f"--kubeconfig={kubeconfig}",
        f"--authentication-kubeconfig={kubeconfig}",
        f"--authorization-kubeconfig={kubeconfig}",
        "--leader-elect=false",
        "--bind-address=127.0.0.1",
        f"--secure-port={port}",
        f"--tls-cert-file={plan.serving.certificate}",
        f"--tls-private-key-file={plan.serving.key}",
    ]

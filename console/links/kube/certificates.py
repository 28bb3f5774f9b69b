"""Reads when our own client certificate ends."""

from pathlib import Path

from console.links.kube.kubeconfig import KubeUser


def certificate_end(user: KubeUser) -> float | None:
    """Return when a user's client certificate ends, in wall seconds; None without one."""
    content = user.certificate
    if not content and user.certificate_file:
        try:
            content = Path(user.certificate_file).read_bytes()
        except OSError:
            return None  # connecting will say that it cannot be read
    if not content:
        return None
    from cryptography.x509 import load_pem_x509_certificate

    try:
        return load_pem_x509_certificate(content).not_valid_after_utc.timestamp()
    except ValueError:
        return None

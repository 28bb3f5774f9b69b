"""Reads when an API server's certificate ends, for the message that says it has."""

import asyncio
import ssl
from urllib.parse import urlsplit


async def server_certificate_end(
    server: str, tls_server_name: str, deadline: float
) -> float | None:
    """Return when a server's certificate ends, in wall seconds; None when it cannot be read.

    Nothing is sent over this connection: it looks at a certificate that was already refused.
    """
    parts = urlsplit(server)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        async with asyncio.timeout(deadline):
            _, writer = await asyncio.open_connection(
                parts.hostname,
                parts.port or 443,
                ssl=context,
                server_hostname=tls_server_name or parts.hostname,
            )
    except (OSError, ValueError):
        return None
    try:
        found = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    finally:
        writer.transport.abort()
    return _end(found) if found else None


def _end(certificate: bytes) -> float | None:
    from cryptography.x509 import load_der_x509_certificate

    try:
        return load_der_x509_certificate(certificate).not_valid_after_utc.timestamp()
    except ValueError:
        return None

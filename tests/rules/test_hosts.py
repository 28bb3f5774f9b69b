"""No committed file points at a machine: loopback, reserved names and identifiers only."""

import ipaddress
import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
URL = re.compile(
    r"\b(?:https?|wss?|ssh|socks5h?)://(?:[^\s/@\"'<>]*@)?(\[[^\]\s]+\]|[A-Za-z0-9.-]+)"
)
RESERVED = (".invalid", ".test", ".example", ".localhost", ".local", ".svc", ".internal")
IDENTIFIERS = frozenset({"json-schema.org", "www.apache.org", "www.w3.org", "www.textualize.io"})
"""Names of schemas, licences and makers: read by people, asked by nobody."""


def committed() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, timeout=30, check=True
    )
    return [ROOT / name for name in listed.stdout.split("\0") if name]


def is_harmless(host: str) -> bool:
    bare = host.strip("[]").rstrip(".")
    try:
        address = ipaddress.ip_address(bare)
    except ValueError:
        # Without a dot it is nobody's public name: a placeholder, or half of a template.
        return "." not in bare or bare.endswith(RESERVED) or bare in IDENTIFIERS
    return not address.is_global


def test_no_committed_file_points_at_a_foreign_host() -> None:
    found: list[str] = []
    for path in committed():
        if not path.is_file():
            continue
        text = path.read_bytes().decode("utf-8", "replace")
        hosts = {match[1] for match in URL.finditer(text) if not is_harmless(match[1])}
        found += [f"{path.relative_to(ROOT)}: {host}" for host in sorted(hosts)]
    assert found == []


def test_the_rule_knows_a_foreign_host_when_it_sees_one() -> None:
    assert not is_harmless("console.someone.com")
    assert not is_harmless("8.8.8.8")
    assert is_harmless("127.0.0.1")
    assert is_harmless("[::1]")
    assert is_harmless("api.example")

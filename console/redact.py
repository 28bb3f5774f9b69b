"""Takes secrets out of text before it reaches a screen, a log, the journal or an error."""

import re

_MARK = "•••"
_PATTERNS = (
    re.compile(r"(?i)(bearer\s+)[A-Za-z0-9._~+/=-]{6,}"),
    re.compile(
        r"(?i)((?:password|passwd|pwd|secret|token|api[_-]?key|access[_-]?key|authorization)"
        r"[\"']?\s*[=:]\s*[\"']?)[^\s\"',;&]+"
    ),
    # Bounded and anchored: a long word without an end must not be searched from each letter.
    re.compile(r"((?<![a-z0-9+.-])[a-z][a-z0-9+.-]{1,20}://[^\s:/@]{1,256}:)[^\s@/]{1,512}(?=@)"),
    re.compile(r"()\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"),
    re.compile(r"()\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*"),
    re.compile(r"()\bk8s-aws-v1\.[A-Za-z0-9_-]+"),
)
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|[\x00-\x08\x0b-\x1f\x7f]")


def redact(text: str) -> str:
    """Replace what looks like a credential by a mark."""
    for pattern in _PATTERNS:
        text = pattern.sub(rf"\g<1>{_MARK}", text)
    return text


def printable(text: str, limit: int = 2000) -> str:
    """Make foreign text safe to show: no control codes, no secrets, bounded length."""
    # Cut before the search, with room for a secret that the limit would have cut in two.
    clean = redact(_CONTROL.sub("", text[: 4 * limit]))
    return clean if len(clean) <= limit else f"{clean[:limit]}…"

"""Read the reviews that kubectl sends as protobuf: strings in nested messages, nothing more."""

from collections.abc import Iterator

from console.sandbox.objects import Obj
from console.sandbox.status import ApiError

MEDIA = "application/vnd.kubernetes.protobuf"
_MAGIC = b"k8s\x00"
_BYTES = 2
_RESOURCE = ("", "namespace", "verb", "group", "version", "resource", "subresource", "name")


def review(raw: bytes) -> Obj:
    """Decode a self-review's spec; other messages come out empty."""
    if not raw.startswith(_MAGIC):
        raise ApiError(400, "the body is not a Kubernetes protobuf message")
    try:
        spec = _message(_message(_message(raw[len(_MAGIC) :]).get(2, b"")).get(2, b""))
    except IndexError as error:
        raise ApiError(400, "the body is a truncated protobuf message") from error
    if 1 in spec and spec[1][0] > ord(" "):  # a message starts with a control character
        return {"spec": {"namespace": spec[1].decode()}}
    found: Obj = {}
    if 1 in spec:
        named = _message(spec[1])
        found["resourceAttributes"] = {_RESOURCE[n]: text.decode() for n, text in named.items()}
    if path := _message(spec.get(2, b"")).get(1):
        found["nonResourceAttributes"] = {"path": path.decode()}
    return {"spec": found}


def _message(raw: bytes) -> dict[int, bytes]:
    return {number: value for number, value in _fields(raw) if number < len(_RESOURCE) and value}


def _fields(raw: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at < len(raw):
        tag, at = _varint(raw, at)
        if tag & 7 != _BYTES:
            _, at = _varint(raw, at)
            continue
        size, at = _varint(raw, at)
        yield tag >> 3, raw[at : at + size]
        at += size


def _varint(raw: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = raw[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at

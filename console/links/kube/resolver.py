"""Looks names up in threads of its own: a dead DNS delays neither other clusters nor the end."""

import asyncio
import socket
import threading
from typing import Any

from aiohttp.abc import AbstractResolver, ResolveResult

_Infos = list[tuple[Any, ...]]


class Resolver(AbstractResolver):
    """getaddrinfo in a daemon thread for each look-up.

    The loop's own executor has a handful of threads and is waited for at exit; a resolver that
    hangs for half a minute would use them up and then keep the console from closing.
    """

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        infos = await _addresses(host, port, family)
        return [
            ResolveResult(
                hostname=host,
                host=str(address[0]),
                port=int(address[1]),
                family=found,
                proto=protocol,
                flags=int(socket.AI_NUMERICHOST | socket.AI_NUMERICSERV),
            )
            for found, _, protocol, _, address in infos
        ]

    async def close(self) -> None:
        """Nothing is kept open."""


async def _addresses(host: str, port: int, family: socket.AddressFamily) -> _Infos:
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[_Infos] = loop.create_future()

    def settle(infos: _Infos, error: OSError | None) -> None:
        if answer.done():
            return  # whoever asked has given up
        if error is None:
            answer.set_result(infos)
        else:
            answer.set_exception(error)

    def look_up() -> None:
        infos: _Infos = []
        failure: OSError | None = None
        try:
            infos = list(socket.getaddrinfo(host, port, family, socket.SOCK_STREAM))
        except OSError as error:
            failure = error
        except UnicodeError:
            failure = socket.gaierror(socket.EAI_NONAME, "not a host name")
        if not loop.is_closed():
            loop.call_soon_threadsafe(settle, infos, failure)

    threading.Thread(target=look_up, name=f"look up {host}", daemon=True).start()
    return await answer

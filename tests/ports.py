"""Ports for servers of the tests."""

import random
import socket

_random = random.SystemRandom()  # tests seed the other one


def free_ports(count: int) -> list[int]:
    """Ports on which a server can listen, and on each plus 10,000, as SeaweedFS does.

    All are below those that systems give to outgoing connections (from 32,768), so that none is
    taken before its server starts, or starts again.
    """
    found: list[int] = []
    while len(found) < count:
        port = _random.randrange(12_000, 22_000)
        if port not in found and _is_free(port) and _is_free(port + 10_000):
            found.append(port)
    return found


def _is_free(port: int) -> bool:
    with socket.socket() as one:
        try:
            one.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True

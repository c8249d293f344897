"""Ask name servers directly, all at once, over UDP: the only network question this package asks.

Only addresses the machine itself is configured with are ever asked. The query's number is replaced by a
random one and put back in the reply, so that neither a late nor a guessed packet passes for an answer.
"""

from __future__ import annotations

import os
import selectors
import socket
import time
from collections.abc import Sequence

from diagnostics.machine.interface import ResolverReply

DNS_PORT = 53
# EDNS aside, a UDP answer has 512 bytes; 4096 is what everyone allows for.
_REPLY_MAX_BYTES = 4096
# One packet may be lost anywhere: ask once more after this share of the time.
_ASK_AGAIN_AFTER = 0.4


def _connect(address: str, port: int) -> socket.socket:
    family, kind, protocol, _, target = socket.getaddrinfo(
        address, port, type=socket.SOCK_DGRAM, flags=socket.AI_NUMERICHOST
    )[0]
    sock = socket.socket(family, kind, protocol)
    try:
        sock.setblocking(False)
        sock.connect(target)
    except OSError:
        sock.close()
        raise
    return sock


def ask_resolvers(
    addresses: Sequence[str], query: bytes, timeout_s: float, *, port: int = DNS_PORT
) -> tuple[ResolverReply, ...]:
    """One reply an address, in order. Never raises for a dead resolver: that is the answer."""
    answers: dict[str, ResolverReply] = {}
    started_s = time.monotonic()
    numbers: dict[str, bytes] = {}
    with selectors.DefaultSelector() as selector:
        try:
            for address in dict.fromkeys(addresses):
                numbers[address] = os.urandom(2)
                try:
                    sock = _connect(address, port)
                except OSError as error:
                    answers[address] = _failed(address, started_s, error)
                    continue
                selector.register(sock, selectors.EVENT_READ, address)
                try:
                    sock.send(numbers[address] + query[2:])
                except OSError as error:
                    answers[address] = _failed(address, started_s, error)
                    selector.unregister(sock)
                    sock.close()
            _wait(selector, numbers, query, answers, started_s, timeout_s)
        finally:
            for key in list(selector.get_map().values()):
                if isinstance(key.fileobj, socket.socket):
                    key.fileobj.close()
    silent = f"no answer within {timeout_s:g} s"
    return tuple(answers.get(address, ResolverReply(address, None, timeout_s, silent)) for address in addresses)


def _wait(
    selector: selectors.BaseSelector,
    numbers: dict[str, bytes],
    query: bytes,
    answers: dict[str, ResolverReply],
    started_s: float,
    timeout_s: float,
) -> None:
    asked_again = False
    while selector.get_map():
        passed_s = time.monotonic() - started_s
        if passed_s >= timeout_s:
            return
        if not asked_again and passed_s >= timeout_s * _ASK_AGAIN_AFTER:
            asked_again = True
            for key in selector.get_map().values():
                sock = key.fileobj
                if isinstance(sock, socket.socket):
                    try:
                        sock.send(numbers[key.data] + query[2:])
                    except OSError:
                        continue  # the reading below reports the same error
        until_s = timeout_s if asked_again else timeout_s * _ASK_AGAIN_AFTER
        for key, _ in selector.select(max(0.0, until_s - passed_s)):
            sock, address = key.fileobj, str(key.data)
            if not isinstance(sock, socket.socket):
                continue
            try:
                reply = sock.recv(_REPLY_MAX_BYTES)
            except BlockingIOError:
                continue
            except OSError as error:
                answers[address] = _failed(address, started_s, error)
            else:
                if reply[:2] != numbers[address]:
                    continue
                answers[address] = ResolverReply(address, query[:2] + reply[2:], time.monotonic() - started_s)
            selector.unregister(sock)
            sock.close()


def _failed(address: str, started_s: float, error: OSError) -> ResolverReply:
    # getaddrinfo has numbers of its own, which strerror does not know.
    words = (error.strerror or str(error)).lower()
    return ResolverReply(address, None, time.monotonic() - started_s, words)

"""Stable marks for identifiers: ``anna`` → ``<user:7f3a91c0>``, always, on this device, and on no other.

HMAC-SHA-256 under a secret that never leaves the device, with the kind in the key derivation: without the secret a
mark cannot be guessed back by trying names, and two devices mark the same thing differently.

Addresses keep their prefixes (the idea of Crypto-PAn, Xu et al. 2002): two addresses that share their first *n*
bits have marks that share exactly their first *n* bits, so "same subnet", "same /24 hammering us" can still be
read. One HMAC over the octets before gives 256 bits: one for each of the 255 inner nodes of the tree that decides
the next octet. The mapping is a permutation: two addresses never share a mark.

    10.1.2.3   → <ip-private:4c9a01d7>
    10.1.2.77  → <ip-private:4c9a0182>
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import unicodedata
from functools import lru_cache

from diagnostics.redaction.kinds import Kind

# 32 bits: 1 % chance of any clash among 9 000 names of one kind on one device.
MARK_HEX_DIGITS = 8
SECRET_MIN_BYTES = 16
# Distinct values remembered; a log that names more clients than this costs time, not memory.
CACHE_ENTRIES = 16_384


class Pseudonyms:
    """``secret`` is the device's own (≥ 16 random bytes); nothing else decides a mark."""

    def __init__(self, secret: bytes) -> None:
        if len(secret) < SECRET_MIN_BYTES:
            raise ValueError(
                f"expected a device secret of at least {SECRET_MIN_BYTES} random bytes, got {len(secret)}; "
                "create one with secrets.token_bytes(32) and keep it on the device"
            )
        self._keys = {kind: hmac.digest(secret, b"bellpull redaction " + kind.encode(), "sha256") for kind in Kind}
        self._octet_key = hmac.digest(secret, b"bellpull redaction address bits", "sha256")
        self.mark = lru_cache(maxsize=CACHE_ENTRIES)(self._mark)
        self.ip = lru_cache(maxsize=CACHE_ENTRIES)(self._ip)
        self.mac = lru_cache(maxsize=CACHE_ENTRIES)(self._mac)
        self._octet_bits = lru_cache(maxsize=CACHE_ENTRIES)(self._draw_octet_bits)

    def _mark(self, kind: Kind, value: bytes) -> bytes:
        """Case and Unicode form do not count: ``Anna``, ``ANNA`` and ``anna`` are one user."""
        text = value.decode("utf-8", "surrogateescape")
        plain = unicodedata.normalize("NFC", text).casefold().encode("utf-8", "surrogateescape")
        digest = hmac.digest(self._keys[kind], plain, "sha256")
        return b"<%s:%s>" % (kind.encode(), digest.hex()[:MARK_HEX_DIGITS].encode())

    def _ip(self, packed: bytes) -> bytes:
        """``packed`` is 4 or 16 bytes. An IPv6 interface id (low 64 bits) becomes one 32-bit mark."""
        address = ipaddress.ip_address(packed)
        kind = Kind.IP_PRIVATE if address.is_private or address.is_link_local else Kind.IP
        if len(packed) == 4:
            return b"<%s:%s>" % (kind.encode(), self._preserving(packed, b"4").hex().encode())
        prefix = self._preserving(packed[:8], b"6").hex().encode()
        host = hmac.digest(self._keys[Kind.IP], packed, "sha256").hex()[:MARK_HEX_DIGITS].encode()
        return b"<%s:%s-%s>" % (kind.encode(), prefix, host)

    def _mac(self, packed: bytes) -> bytes:
        """Six bytes; the first three (the maker) share a mark among devices of one maker."""
        mark = self._preserving(packed, b"m").hex().encode()
        return b"<mac:%s-%s>" % (mark[:6], mark[6:])

    def _preserving(self, packed: bytes, family: bytes) -> bytes:
        out = bytearray()
        for index, octet in enumerate(packed):
            bits = self._octet_bits(family + packed[:index])
            node, result = 1, 0
            for shift in range(7, -1, -1):
                bit = octet >> shift & 1
                result = result << 1 | (bit ^ bits >> node & 1)
                node = node << 1 | bit
            out.append(result)
        return bytes(out)

    def _draw_octet_bits(self, context: bytes) -> int:
        return int.from_bytes(hmac.digest(self._octet_key, context, hashlib.sha256().name), "big")

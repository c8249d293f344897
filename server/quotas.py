"""How often somebody may do something. Pure: token buckets by key, times given by the caller.

A bucket holds `burst` permits and gains `rate_s` of them each second. Full buckets are forgotten, and where a flood of
keys fills the book, the longest unused go first: memory is bounded, and forgetting is kind, never unkind.
"""

from collections import OrderedDict
from dataclasses import dataclass

KEYS_MAX = 50_000


@dataclass
class _Bucket:
    permits: float
    at_s: float


class Quota:
    def __init__(self, *, rate_s: float, burst: float, keys_max: int = KEYS_MAX) -> None:
        self._rate_s = rate_s
        self._burst = burst
        self._keys_max = keys_max
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    @classmethod
    def per_minute(cls, count: int) -> "Quota":
        return cls(rate_s=count / 60, burst=count)

    @classmethod
    def per_hour(cls, count: int) -> "Quota":
        return cls(rate_s=count / 3600, burst=count)

    def take(self, key: str, now_s: float, amount: float = 1) -> float:
        """0 when permitted, else how many seconds until it would be. A refused attempt costs nothing."""
        bucket = self._buckets.pop(key, None) or _Bucket(self._burst, now_s)
        bucket.permits = min(self._burst, bucket.permits + max(0.0, now_s - bucket.at_s) * self._rate_s)
        bucket.at_s = now_s
        self._buckets[key] = bucket
        while len(self._buckets) > self._keys_max:
            self._buckets.popitem(last=False)
        if bucket.permits >= amount:
            bucket.permits -= amount
            return 0.0
        return (amount - bucket.permits) / self._rate_s

    def reserve(self, key: str, now_s: float) -> float:
        """A permit in any case; how many seconds to wait before using it. For those who can be made to wait."""
        wait_s = self.take(key, now_s)
        if wait_s:
            self._buckets[key].permits -= 1
        return wait_s

    def __len__(self) -> int:
        return len(self._buckets)

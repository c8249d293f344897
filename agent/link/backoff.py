"""How long to wait before the next attempt. Pure: the attempt's number, the server's wish, one random number.

Full jitter (AWS, "Exponential Backoff And Jitter"): ten thousand agents cut at one moment spread over the whole
interval instead of coming back together.
"""

from protocol.limits import BACKOFF_BASE_S, BACKOFF_CAP_S, RETRY_AFTER_CAP_S


def backoff_s(attempt: int, uniform: float, *, retry_after_s: int = 0) -> float:
    """Seconds before attempt `attempt` + 1; `attempt` counts failures from 0, `uniform` lies in [0, 1).

    A closing server may ask for `retry_after_s`: that is waited first, at most 900 s of it, then the jitter.
    """
    ceiling = min(BACKOFF_CAP_S, BACKOFF_BASE_S * 2.0 ** min(max(attempt, 0), 30))
    return min(max(retry_after_s, 0), RETRY_AFTER_CAP_S) + uniform * ceiling

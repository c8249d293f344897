"""Whether this system can have a proxy set for us at all: asking for it brings an HTTP client into the service."""

import sys
from collections.abc import Mapping


def proxy_may_be_set(environment: Mapping[str, str], platform: str = sys.platform) -> bool:
    """On Linux a proxy stands in a variable `*_proxy`, in either case, or nowhere (urllib.request). Elsewhere
    the system itself may name one at any time."""
    return platform != "linux" or any(value for name, value in environment.items() if name.lower().endswith("_proxy"))

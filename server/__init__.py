"""The organisation's server: relay, API, desk, console. It carries, stores and shows; it holds no key to any door."""

from importlib.metadata import PackageNotFoundError, version
from typing import Final


def _version() -> str:
    try:
        return version("bellpull")
    except PackageNotFoundError:  # run from a source tree that was never installed
        return "0"


VERSION: Final = _version()

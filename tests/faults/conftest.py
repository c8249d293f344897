"""What the tests of faults share: whether the long counts are asked for."""

import os

import pytest


@pytest.fixture(scope="session")
def soak() -> bool:
    """`BELLPULL_SOAK=1`."""
    return os.environ.get("BELLPULL_SOAK") == "1"

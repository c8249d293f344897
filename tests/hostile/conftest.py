"""Fixtures of the hostile tests."""

import os

import pytest


@pytest.fixture(scope="session")
def soak() -> bool:
    """Whether the long counts are asked for (`BELLPULL_SOAK=1`)."""
    return os.environ.get("BELLPULL_SOAK") == "1"

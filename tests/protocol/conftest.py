"""Fixtures of the protocol tests: the public vectors, and how long the long counts are."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def vectors() -> Callable[[str], Any]:
    """`vectors("noise")` → the parsed `noise.json`. Absent vectors skip loudly, and fail where CI=true."""
    folder = Path(os.environ.get("BELLPULL_VECTORS") or REPOSITORY.parent / "shared" / "vectors")

    def load(name: str) -> Any:
        file = folder / f"{name}.json"
        if not file.is_file():
            message = f"public test vectors are absent: {file} (set BELLPULL_VECTORS to their folder)"
            if os.environ.get("CI", "").lower() == "true":
                pytest.fail(message)
            pytest.skip(message)
        return json.loads(file.read_text("utf-8"))

    return load


@pytest.fixture(scope="session")
def soak() -> bool:
    """Whether the long counts are asked for (`BELLPULL_SOAK=1`)."""
    return os.environ.get("BELLPULL_SOAK") == "1"

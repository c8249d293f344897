"""The big list of naughty strings: 515 texts that break programs, from the public test vectors."""

from __future__ import annotations

import json
import os
from pathlib import Path


def naughty_strings() -> list[str]:
    """Read from $BELLPULL_VECTORS, or ../shared/vectors beside the repository."""
    default = Path(__file__).resolve().parents[3] / "shared" / "vectors"
    path = Path(os.environ.get("BELLPULL_VECTORS") or default) / "naughty-strings.json"
    if not path.exists():
        raise FileNotFoundError(f"{path}: set BELLPULL_VECTORS to the folder of public test vectors")
    strings = json.loads(path.read_text(encoding="utf-8"))
    assert len(strings) == 515
    return list(strings)

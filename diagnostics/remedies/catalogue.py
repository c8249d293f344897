"""Every remedy there is, by id. Adding one touches its own file and this list."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from diagnostics.remedies.clean_user_cache import REMEDY as CLEAN_USER_CACHE
from diagnostics.remedies.remedy import Remedy

REMEDIES: Mapping[str, Remedy[Any]] = {remedy.id: remedy for remedy in (CLEAN_USER_CACHE,)}

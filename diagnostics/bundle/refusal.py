"""How a bundle is refused: a word for programs, and three sentences for people."""

from __future__ import annotations

from enum import StrEnum


class Refusal(StrEnum):
    NOT_A_BUNDLE = "not-a-bundle"
    SEALED = "sealed"
    WRONG_KEY = "wrong-key"
    DAMAGED = "damaged"
    TOO_LARGE = "too-large"
    TOO_MANY_ENTRIES = "too-many-entries"
    BOMB = "bomb"
    UNSAFE_NAME = "unsafe-name"
    UNSAFE_ENTRY = "unsafe-entry"
    DUPLICATE_NAME = "duplicate-name"
    MANIFEST = "manifest"
    CONTENT_DIFFERS = "content-differs"
    RECIPIENT = "recipient"
    OUTPUT = "output"


class BundleRefusedError(Exception):
    """Nothing of the bundle was used. ``expected``, ``got`` and ``hint`` are ready to be shown (escaped)."""

    def __init__(self, refusal: Refusal, *, expected: str, got: str, hint: str) -> None:
        super().__init__(f"expected {expected}, got {got}; {hint}")
        self.refusal = refusal
        self.expected = expected
        self.got = got
        self.hint = hint

"""Which of two version strings is newer: the order of Debian Policy 5.6.12, which fits rpm's and most others.

    epoch ":" upstream "-" revision      `~` sorts before everything, also before the end: 1.0~rc1 < 1.0

Runs of digits compare as numbers, runs of the rest by letter, letters before other signs.
"""

from __future__ import annotations

# Longer is no version of anything; the comparison stays cheap.
VERSION_MAX_CHARS = 200


def compare_versions(one: str, other: str) -> int:
    """-1, 0 or 1, as `one` is older than, equal to or newer than `other`."""
    one, other = one[:VERSION_MAX_CHARS], other[:VERSION_MAX_CHARS]
    for left, right in zip(_parts(one), _parts(other), strict=True):
        order = _compare_part(left, right)
        if order:
            return order
    return 0


def _parts(version: str) -> tuple[str, str, str]:
    epoch, colon, rest = version.partition(":")
    if not (colon and epoch.isascii() and epoch.isdigit()):
        epoch, rest = "0", version
    upstream, dash, revision = rest.rpartition("-")
    return (epoch, upstream, revision) if dash else (epoch, rest, "")


def _rank(sign: str) -> tuple[int, int]:
    if sign == "~":
        return (-1, 0)
    if sign == "":
        return (0, 0)
    return (1, ord(sign)) if sign.isascii() and sign.isalpha() else (2, ord(sign))


def _compare_part(one: str, other: str) -> int:
    while one or other:
        left, right = _take(one), _take(other)
        signs = max(len(left[0]), len(right[0]))
        for index in range(signs):
            ranks = [_rank(run[0][index : index + 1]) for run in (left, right)]
            if ranks[0] != ranks[1]:
                return -1 if ranks[0] < ranks[1] else 1
        numbers = [int(run[1] or "0") for run in (left, right)]
        if numbers[0] != numbers[1]:
            return -1 if numbers[0] < numbers[1] else 1
        one, other = left[2], right[2]
    return 0


def _take(text: str) -> tuple[str, str, str]:
    """The leading signs, the digits after them, the rest."""
    index = 0
    while index < len(text) and not _digit(text[index]):
        index += 1
    end = index
    while end < len(text) and _digit(text[end]):
        end += 1
    return text[:index], text[index:end], text[end:]


def _digit(sign: str) -> bool:
    return sign.isascii() and sign.isdigit()

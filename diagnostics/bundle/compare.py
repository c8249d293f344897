"""Two bundles, the earlier and the later: what changed in findings, packages and services. Pure.

Names in bundles of one device are the same pseudonyms every time, so they can be compared; those of two devices never
are. Everything in a bundle is a stranger's: what does not parse is told as not comparable and never guessed at, and
what comes out here is shown with `visible`, as files are.

    findings   disk-space-low|disk:/   active warning → active error
    packages   cups                    2.4.2-3 → 2.4.2-4
    services   cups.service            active → failed
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from diagnostics.bundle.manifest import FINDINGS_PATH, FileEntry
from diagnostics.bundle.read import OpenedBundle, visible
from diagnostics.findings import Finding
from diagnostics.strict_json import StrictJsonError, load_json

# A new release of the system changes thousands of packages; the rest is counted.
SHOWN_MAX = 200
NAME_MAX_CHARS = 200


class Subject(StrEnum):
    FINDINGS = "findings"
    PACKAGES = "packages"
    SERVICES = "services"


PATHS: Mapping[Subject, str] = {
    Subject.FINDINGS: FINDINGS_PATH,
    Subject.PACKAGES: "packages/packages.json",
    Subject.SERVICES: "services/services.json",
}


@dataclass(frozen=True, slots=True)
class Difference:
    """None for `before`: new; None for `after`: gone. All three are safe to show."""

    name: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class SubjectDifferences:
    """`not_comparable` empty: `differences` are all there are but `more`, sorted by name."""

    subject: Subject
    differences: tuple[Difference, ...] = ()
    more: int = 0
    not_comparable: str = ""


@dataclass(frozen=True, slots=True)
class BundleDifferences:
    earlier_unix_s: int
    later_unix_s: int
    subjects: tuple[SubjectDifferences, ...]


def compare_bundles(one: OpenedBundle, other: OpenedBundle) -> BundleDifferences:
    """In the order of their making, however they are given."""
    earlier, later = sorted((one, other), key=lambda bundle: bundle.manifest.created_unix_s)
    return BundleDifferences(
        earlier.manifest.created_unix_s,
        later.manifest.created_unix_s,
        tuple(_compared(subject, earlier, later) for subject in Subject),
    )


class _NotRead(Exception):
    """Why one side cannot be compared."""


def _compared(subject: Subject, earlier: OpenedBundle, later: OpenedBundle) -> SubjectDifferences:
    sides: list[Mapping[str, str]] = []
    for which, bundle in (("earlier", earlier), ("later", later)):
        try:
            sides.append(_items(subject, bundle))
        except _NotRead as reason:
            return SubjectDifferences(subject, not_comparable=f"the {which} bundle: {reason}")
    before, after = sides
    changed = [name for name in sorted(before.keys() | after.keys()) if before.get(name) != after.get(name)]
    told = tuple(Difference(name, before.get(name), after.get(name)) for name in changed[:SHOWN_MAX])
    return SubjectDifferences(subject, told, len(changed) - len(told))


def _items(subject: Subject, bundle: OpenedBundle) -> Mapping[str, str]:
    path = PATHS[subject]
    entry = next((entry for entry in bundle.manifest.files if entry.path == path), None)
    if entry is None or path not in bundle.files:
        raise _NotRead(_absence(entry, path))
    try:
        value = load_json(bundle.files[path])
        return _READERS[subject](value)
    except StrictJsonError as error:
        cut = " (it was cut)" if entry.truncated else ""
        raise _NotRead(f"{path} does not parse{cut}: {_safe(str(error))}") from None


def _absence(entry: FileEntry | None, path: str) -> str:
    if entry is None:
        return f"it has no {path}"
    return f"{path} is {entry.status}: {_safe(entry.reason or 'no reason is given')}"


def _findings(value: object) -> Mapping[str, str]:
    if not isinstance(value, list):
        raise StrictJsonError(f"expected a list of findings, got {type(value).__name__}")
    found = [Finding.from_value(item) for item in value]
    return {_safe(item.fingerprint): f"{item.state} {item.severity}" for item in found}


def _packages(value: object) -> Mapping[str, str]:
    rows = _rows(value, "packages", ("name", "version", "architecture", "status"))
    counts = Counter(row["name"] for row in rows)
    items: dict[str, str] = {}
    for row in rows:
        # One name on two architectures is two packages.
        name = f"{row['name']}:{row['architecture']}" if counts[row["name"]] > 1 else row["name"]
        items[_safe(name)] = _safe(
            row["version"] if row["status"] == "installed" else f"{row['version']} {row['status']}"
        )
    return items


def _services(value: object) -> Mapping[str, str]:
    rows = _rows(value, "services", ("name", "active_state", "enabled"))
    return {_safe(row["name"]): _safe(f"{row['active_state']} {row['enabled']}".strip()) for row in rows}


def _rows(value: object, key: str, names: tuple[str, ...]) -> list[dict[str, str]]:
    """Fields of text by name; other fields belong to other versions of the program that wrote them."""
    listed = value.get(key) if isinstance(value, dict) else None
    if not isinstance(listed, list):
        raise StrictJsonError(f"expected a list called {key!r}")
    rows: list[dict[str, str]] = []
    for item in listed:
        row = {name: item.get(name) for name in names} if isinstance(item, dict) else {}
        texts = {name: text for name, text in row.items() if isinstance(text, str)}
        if len(texts) != len(names):
            raise StrictJsonError(f"expected {', '.join(names)} as text in each of {key}")
        rows.append(texts)
    return rows


_READERS: Mapping[Subject, Callable[[object], Mapping[str, str]]] = {
    Subject.FINDINGS: _findings,
    Subject.PACKAGES: _packages,
    Subject.SERVICES: _services,
}


def _safe(text: str) -> str:
    return visible(" ".join(text.split()))[:NAME_MAX_CHARS]

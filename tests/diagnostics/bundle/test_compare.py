"""What changed between two bundles of one device; a stranger's nonsense is told and never guessed at."""

import io
import json
from dataclasses import replace

import pytest

from diagnostics.bundle import OpenedBundle, Window, plan_bundle, read_bundle_bytes, write_bundle
from diagnostics.bundle.compare import SHOWN_MAX, Difference, Subject, SubjectDifferences, compare_bundles
from diagnostics.collectors.contract import CollectedFile, Skipped, SkipStatus
from diagnostics.findings import Finding, FindingState, Severity
from tests.diagnostics.bundle.conftest import HEADING, NOW, collected, finding, make_redactor


def package(name: str, version: str, **more: str) -> dict[str, str]:
    return {"name": name, "version": version, "architecture": "amd64", "status": "installed", **more}


def service(name: str, state: str) -> dict[str, object]:
    return {"name": name, "active_state": state, "enabled": "enabled", "restarts": 3}


def packages(*rows: object) -> CollectedFile:
    return collected("packages/packages.json", json.dumps({"manager": "dpkg-query", "packages": rows}).encode())


def services(*rows: object) -> CollectedFile:
    return collected("services/services.json", json.dumps({"services": rows}).encode())


def bundle(at: int, *files: CollectedFile | Skipped, findings: tuple[Finding, ...] = ()) -> OpenedBundle:
    heading = replace(HEADING, created_unix_s=at, window=Window(at - 60, at))
    plan = plan_bundle(iter(files), heading=heading, findings=findings, changes=(), redactor=make_redactor())
    out = io.BytesIO()
    write_bundle(plan, out, recipients=None)
    return read_bundle_bytes(out.getvalue(), None)


def by_subject(one: OpenedBundle, other: OpenedBundle) -> dict[Subject, SubjectDifferences]:
    return {each.subject: each for each in compare_bundles(one, other).subjects}


def test_findings_packages_and_services_that_changed_are_told_in_order_of_time() -> None:
    low, slow = (finding(code, Severity.WARNING, FindingState.ACTIVE) for code in ("disk-low", "slow-boot"))
    earlier = bundle(
        NOW,
        packages(package("cups", "2.4.2-3"), package("old", "1"), package("same", "1")),
        services(service("cups.service", "active"), service("ssh.service", "active")),
        findings=(low, slow),
    )
    later = bundle(
        NOW + 600,
        packages(package("cups", "2.4.2-4"), package("new", "7"), package("same", "1")),
        services(service("cups.service", "failed"), service("ssh.service", "active")),
        findings=(replace(low, severity=Severity.ERROR),),
    )
    found = by_subject(later, earlier)
    named = {each.name.partition("|")[0]: each for each in found[Subject.FINDINGS].differences}
    assert (named["disk-low"].before, named["disk-low"].after) == ("active warning", "active error")
    assert (named["slow-boot"].before, named["slow-boot"].after) == ("active warning", None)
    assert found[Subject.PACKAGES].differences == (
        Difference("cups", "2.4.2-3", "2.4.2-4"),
        Difference("new", None, "7"),
        Difference("old", "1", None),
    )
    assert found[Subject.SERVICES].differences == (Difference("cups.service", "active enabled", "failed enabled"),)
    assert compare_bundles(later, earlier) == compare_bundles(earlier, later)


def test_the_same_machine_twice_has_no_differences() -> None:
    rows = (packages(package("cups", "1")), services(service("a.service", "active")))
    found = by_subject(bundle(NOW, *rows), bundle(NOW + 1, *rows))
    assert all(each == SubjectDifferences(each.subject) for each in found.values())


def test_one_name_on_two_architectures_is_two_packages() -> None:
    both = (package("libc6", "2.36"), package("libc6", "2.36", architecture="i386"))
    changed = (both[0], package("libc6", "2.37", architecture="i386"))
    found = by_subject(bundle(NOW, packages(*both)), bundle(NOW + 1, packages(*changed)))
    assert found[Subject.PACKAGES].differences == (Difference("libc6:i386", "2.36", "2.37"),)


def test_what_is_not_there_says_why_and_the_rest_is_compared() -> None:
    skipped = Skipped("packages/packages.json", "packages", SkipStatus.TIMEOUT, "no answer in 10 s", 1)
    found = by_subject(bundle(NOW, skipped, services()), bundle(NOW + 1, packages(), services()))
    assert found[Subject.PACKAGES].not_comparable == (
        "the earlier bundle: packages/packages.json is timeout: no answer in 10 s"
    )
    assert found[Subject.SERVICES].not_comparable == ""


@pytest.mark.parametrize(
    "content",
    [b'{"packages": [', b"[]", b'{"packages": {}}', b'{"packages": [7]}', b'{"packages": [{"name": "x"}]}', b"\xff"],
)
def test_nonsense_of_a_stranger_is_not_comparable(content: bytes) -> None:
    bad = replace(collected("packages/packages.json", content), truncated=True)
    found = by_subject(bundle(NOW, packages()), bundle(NOW + 1, bad))
    assert (
        "the later bundle: packages/packages.json does not parse (it was cut)" in found[Subject.PACKAGES].not_comparable
    )


def test_names_of_a_stranger_move_no_cursor_and_are_cut() -> None:
    found = by_subject(bundle(NOW, packages()), bundle(NOW + 1, packages(package("evil\x1b[31m\u202e\n", "1" * 999))))
    (row,) = found[Subject.PACKAGES].differences
    assert row.name.isprintable()
    assert len(row.after or "") == 200


def test_thousands_of_changes_are_counted() -> None:
    rows = [package(f"p{number:05}", "1") for number in range(SHOWN_MAX + 50)]
    found = by_subject(bundle(NOW, packages()), bundle(NOW + 1, packages(*rows)))
    assert (len(found[Subject.PACKAGES].differences), found[Subject.PACKAGES].more) == (SHOWN_MAX, 50)

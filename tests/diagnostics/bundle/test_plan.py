"""What is in a bundle is decided, redacted and shown before anything is written."""

from __future__ import annotations

import json

import pytest

from diagnostics.bundle import FileStatus, Plan, plan_bundle
from diagnostics.findings import Finding
from diagnostics.redaction import Redactor
from tests.diagnostics.bundle.conftest import CANARY, FINDINGS, HEADING, LOG, collected


def statuses(plan: Plan) -> dict[str, tuple[FileStatus, str | None]]:
    return {file.path: (file.status, file.reason) for file in plan.preview().files}


def test_leading_files_come_first_in_order_of_triage(plan: Plan) -> None:
    paths = [part.entry.path for part in plan.all_parts()]
    assert paths == [
        "SUMMARY.md",
        "findings.json",
        "changes.json",
        "timeline.jsonl",
        "redaction.json",
        "logs/syslog.log",
        "logs/app.log",
    ]


def test_every_wanted_file_is_there_or_says_why_not(plan: Plan) -> None:
    found = statuses(plan)
    assert found["logs/syslog.log"] == (FileStatus.OK, None)
    assert found["hardware/picture.txt"] == (FileStatus.WITHHELD, "expected text, got binary data")
    assert found["network/keys.txt"][0] is FileStatus.WITHHELD
    assert "canary" in (found["network/keys.txt"][1] or "")
    assert CANARY not in (found["network/keys.txt"][1] or "")
    assert found["network/private.txt"] == (FileStatus.WITHHELD, "files of this name hold keys or passwords")
    assert found["packages/list.txt"] == (FileStatus.TIMEOUT, "dpkg-query did not answer in 10 s")
    status, reason = found["services/failed.txt"]
    assert status is FileStatus.SKIPPED
    assert (reason or "").startswith("our collector failed: ValueError: <user:")


def test_nothing_of_the_machine_is_left_in_any_file(plan: Plan) -> None:
    for part in plan.all_parts():
        content = part.content().lower()
        for name in (b"anna", b"schmidt", b"hunter22", b"10.1.2.", CANARY.encode()):
            assert name not in content, (part.entry.path, name)


def test_preview_counts_what_was_taken_out(plan: Plan) -> None:
    preview = plan.preview()
    syslog = next(file for file in preview.files if file.path == "logs/syslog.log")
    assert syslog.redactions == {"host": 500, "ip-private": 500}
    assert syslog.may_contain == ("log-text",)
    assert preview.redactions["password"] == 1
    assert preview.bytes == sum(file.bytes for file in preview.files)
    assert 0 < preview.estimated_bytes < preview.bytes
    assert not preview.over_soft_cap


def test_summary_puts_grave_open_causes_first_and_consequences_below(plan: Plan) -> None:
    text = plan.content("SUMMARY.md").decode()
    order = [text.index(code) for code in ("disk-full", "service-failed", "slow-boot", "dns-slow")]
    assert order == sorted(order)
    assert "\n  - **error** service-failed" in text
    assert "our collector failed" in text


def test_findings_can_be_read_back(plan: Plan) -> None:
    documents = json.loads(plan.content("findings.json"))
    codes = [document["code"] for document in documents]
    assert codes == ["disk-full", "service-failed", "slow-boot", "dns-slow"]
    assert Finding.from_value(documents[0]).instance.startswith("disk:/home/<user:")


def test_timeline_is_in_order_of_time(plan: Plan) -> None:
    times = [json.loads(line)["at_unix_s"] for line in plan.content("timeline.jsonl").splitlines()]
    assert times == sorted(times)
    assert len(times) == 2 * len(FINDINGS) + 2


def test_unticked_file_is_gone_and_named_as_left_out(plan: Plan) -> None:
    smaller = plan.without(paths=["logs/app.log"])
    assert statuses(smaller)["logs/app.log"] == (FileStatus.SKIPPED, "left out by the customer")
    assert "logs/app.log" not in [part.entry.path for part in smaller.all_parts()]
    assert b"left out by the customer" in smaller.content("SUMMARY.md")
    assert "logs/app.log" not in json.loads(smaller.content("redaction.json"))["by_file"]


def test_unticked_category_takes_all_its_files(plan: Plan) -> None:
    smaller = plan.without(categories=["logs"])
    assert [part.entry.path.split("/")[0] for part in smaller.all_parts() if "/" in part.entry.path] == []


def test_unticking_what_is_not_there_is_a_mistake(plan: Plan) -> None:
    with pytest.raises(ValueError, match="got 'logs/none'"):
        plan.without(paths=["logs/none"])


def test_soft_cap_leaves_later_files_out_with_a_reason(redactor: Redactor) -> None:
    files = [collected("logs/a.log", LOG), collected("logs/b.log", LOG)]
    one = plan_bundle(iter(files[:1]), heading=HEADING, findings=(), changes=(), redactor=redactor)
    cap = len(one.parts[0].packed)
    plan = plan_bundle(iter(files), heading=HEADING, findings=(), changes=(), redactor=redactor, soft_cap_bytes=cap)
    assert statuses(plan)["logs/a.log"][0] is FileStatus.OK
    status, reason = statuses(plan)["logs/b.log"]
    assert status is FileStatus.SKIPPED
    assert "soft cap" in (reason or "")


@pytest.mark.parametrize("path", ["flat.log", "logs/a.log"])
def test_collector_that_names_a_file_twice_or_without_folder_is_stopped(redactor: Redactor, path: str) -> None:
    files = [collected("logs/A.log", b"x\n"), collected(path, b"y\n")]
    with pytest.raises(ValueError, match="each file once and in a folder"):
        plan_bundle(iter(files), heading=HEADING, findings=(), changes=(), redactor=redactor)

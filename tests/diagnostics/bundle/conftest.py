"""A small bundle: two logs, a skipped file, a withheld one, a finding with a cause."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest

from diagnostics.bundle import Heading, Plan, Window, new_identity, plan_bundle, write_bundle
from diagnostics.collectors.contract import CollectedFile, Personal, Skipped, SkipStatus
from diagnostics.findings import Change, Finding, FindingState, Severity
from diagnostics.redaction import LocalUser, MachineNames, Redactor, harvest

NOW = 1_795_000_000
BUNDLE_ID = "01a1b2c3-d4e5-7f60-8a1b-2c3d4e5f6071"
CANARY = "canary-7319-of-this-machine"
HEADING = Heading(BUNDLE_ID, NOW, "0.1.0", {"bellpull": 3}, Window(NOW - 86_400, NOW))
LOG = b"".join(
    b"Nov 21 10:00:%02d annas-laptop sshd[%d]: Failed password for root from 10.1.2.%d port 22\n" % (n % 60, n, n % 250)
    for n in range(500)
)


def collected(path: str, content: bytes, *, source: str = "", collector: str = "logs") -> CollectedFile:
    return CollectedFile(
        path=path,
        content=content,
        why=f"why {path}",
        collector=collector,
        source=source or f"/var/{path}",
        truncated=False,
        may_contain=frozenset({Personal.LOG_TEXT}),
        ms=3,
    )


def finding(code: str, severity: Severity, state: FindingState, **more: object) -> Finding:
    return Finding(
        code=code,
        instance="disk:/home/anna",
        severity=severity,
        rule=f"{code}@1",
        first_seen_unix_s=NOW - 900,
        last_seen_unix_s=NOW - 60,
        state=state,
        **more,  # type: ignore[arg-type]
    )


FINDINGS = (
    finding("slow-boot", Severity.INFO, FindingState.ACTIVE),
    finding("disk-full", Severity.CRITICAL, FindingState.ACTIVE),
    finding("service-failed", Severity.ERROR, FindingState.ACTIVE, explained_by="disk-full|disk:/home/anna"),
    finding("dns-slow", Severity.CRITICAL, FindingState.RESOLVED),
)
FILES = (
    collected("logs/syslog.log", LOG, source="/var/log/syslog"),
    collected("logs/app.log", b"password=hunter22 for anna on annas-laptop\n"),
    collected("hardware/picture.txt", b"\x7fELF" + bytes(range(256)) * 8, collector="hardware"),
    collected("network/keys.txt", f"leftover {CANARY}\n".encode(), collector="network"),
    collected("network/private.txt", b"x", source="/home/anna/.ssh/id_ed25519", collector="network"),
    Skipped("packages/list.txt", "packages", SkipStatus.TIMEOUT, "dpkg-query did not answer in 10 s", 10_000),
    Skipped("services/failed.txt", "services", SkipStatus.FAILED, "ValueError: anna", 4),
)


def make_redactor() -> Redactor:
    names = MachineNames(hosts=("annas-laptop",), users=(LocalUser("anna", "Anna Schmidt", "/home/anna"),))
    return Redactor(harvest(names), b"device secret" * 3, canaries=(CANARY,))


@pytest.fixture
def redactor() -> Redactor:
    return make_redactor()


@pytest.fixture
def plan(redactor: Redactor) -> Plan:
    changes = (Change(NOW - 3600, "linux-image upgraded by anna"), Change(NOW - 7200, "new kernel module"))
    return plan_bundle(iter(FILES), heading=HEADING, findings=FINDINGS, changes=changes, redactor=redactor)


@pytest.fixture(scope="session")
def key_pair() -> tuple[str, str]:
    return new_identity()


@pytest.fixture
def sealed(plan: Plan, key_pair: tuple[str, str]) -> Callable[[], bytes]:
    def make() -> bytes:
        out = io.BytesIO()
        write_bundle(plan, out, recipients=[key_pair[1]], sign=lambda root: b'{"root":"%s"}' % root.hex().encode())
        return out.getvalue()

    return make

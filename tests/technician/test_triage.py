"""The triage page of a bundle that lies here as a file: what it shows, and that nothing of a hostile one gets out."""

import io
import json
import re
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from diagnostics.bundle import Heading, Window, plan_bundle, write_bundle
from diagnostics.bundle.zstandard import ZstdCompressor, ZstdDecompressor
from diagnostics.checks.contract import evidence, raised
from diagnostics.collectors.contract import CollectedFile
from diagnostics.findings import Change, Severity
from diagnostics.redaction import Identifiers, Redactor
from technician.bundles import JudgedBundle, open_bundle
from technician.problems import Problem
from technician.workbench import triage
from technician.workbench.app import build_bundle_app
from technician.workbench.log_errors import LogError, log_errors
from tests.making import NOW
from tests.technician.conftest import Run

EVIL = "<script>alert(1)</script>\x1b[31m‮gpj.exe {{7*7}} ' \" &"
EVIL_SOURCE = "/var/log/x'\"><img src=x onerror=alert(1)>&{{7*7}}.log"


def entry(at: int, priority: str, text: str) -> str:
    value = {
        "__REALTIME_TIMESTAMP": str(at * 1_000_000),
        "PRIORITY": priority,
        "SYSLOG_IDENTIFIER": "db",
        "MESSAGE": text,
    }
    return json.dumps(value)


JOURNAL = "\n".join(
    [
        *(entry(NOW - 500 + number, "3", f"no space left on volume {number}") for number in range(40)),
        entry(NOW - 400, "6", "started"),
        entry(NOW - 300, "2", EVIL),
        entry(10**14, "3", "from the year three million"),
        '{"__REALTIME_TIMESTAMP": 5, "PRIORITY": "3"}',
        "[" * 5000,
        "null",
    ]
)


def collected(path: str, content: bytes) -> CollectedFile:
    return CollectedFile(path, content, "a log", "logs", f"/var/log/{path}", False, frozenset(), 1)


def made(folder: Path, *files: CollectedFile) -> Path:
    finding = raised(
        "disk-space-low", "disk:/", Severity.ERROR, rule="disk-space@1", now=NOW - 600,
        facts={"mount": EVIL, "available_bytes": 5}, proof=(evidence("df", "/", EVIL),),
    )  # fmt: skip
    plan = plan_bundle(
        files,
        heading=Heading(
            id="01890a5d-ac96-7745-bcce-b302099a8057", created_unix_s=NOW, agent_version="0.1.0", pack_versions={},
            window=Window(NOW - 3600, NOW),
        ),
        findings=(finding,),
        changes=(Change(NOW - 700, f"package mariadb 10 → 11 {EVIL}"),),
        redactor=Redactor(Identifiers(), bytes(32)),
    )  # fmt: skip
    path = folder / "bundle.tar.zst"
    write_bundle(plan, path, recipients=None, sign=None)
    return path


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> JudgedBundle:
    classic = (
        f"2026-01-01T00:00:00+00:00 box app[7]: fatal {EVIL}\n"
        "2026-01-01T00:00:01+00:00 box app[7]: all is well\n"
        "Jan  1 00:00:00 box app[7]: fatal, in a zone that nobody tells\n"
    )
    path = made(
        tmp_path_factory.mktemp("bundle"),
        collected("logs/journal.jsonl", JOURNAL.encode()),
        collected("logs/files/app.log", classic.encode()),
        replace(collected("logs/files/evil.log", f"{EVIL}\n".encode() * 3), source=EVIL_SOURCE, why=EVIL),
    )
    with path.open("rb") as stream:
        return open_bundle(stream, None, None, NOW)


@pytest.fixture(scope="module")
def page(bundle: JudgedBundle) -> TestClient:
    return TestClient(build_bundle_app(bundle))


def test_errors_of_the_log_are_told_once_an_hour_with_their_number(bundle: JudgedBundle) -> None:
    errors = log_errors(bundle)
    assert LogError(NOW - 500, "logs/journal.jsonl", "db: no space left on volume 0", 40) in errors
    assert not any("started" in error.text or "well" in error.text or "million" in error.text for error in errors)
    assert [error.path for error in errors if "fatal" in error.text] == ["logs/files/app.log"]


@pytest.mark.parametrize("name", ['x"><img src=x onerror=alert(1)>', "..", "a/../../b", "\x1b[2J", "x\u202egpj.exe"])
def test_a_bundle_with_a_hostile_name_never_reaches_the_page(name: str, tmp_path: Path) -> None:
    good = made(tmp_path, collected("logs/files/a-name.log", b"x\n")).read_bytes()
    tar = ZstdDecompressor().decompress(good)
    with (
        tarfile.open(fileobj=io.BytesIO(tar)) as before,
        tarfile.open(fileobj=(out := io.BytesIO()), mode="w") as after,
    ):
        for member in before.getmembers():
            content = before.extractfile(member)
            assert content is not None
            text = content.read().replace(b"a-name.log", json.dumps(name)[1:-1].encode())
            member.name, member.size = member.name.replace("a-name.log", name), len(text)
            after.addfile(member, io.BytesIO(text))
    compressor = ZstdCompressor()
    bent = compressor.compress(out.getvalue()) + compressor.flush()
    with pytest.raises(Problem, match="refused: unsafe-"):
        open_bundle(io.BytesIO(bent), None, None, NOW)


def test_the_timeline_holds_findings_changes_and_errors_newest_first(bundle: JudgedBundle) -> None:
    told = triage.timeline(bundle)
    assert [event.at for event in told] == sorted((event.at for event in told), reverse=True)
    assert {"First seen", "Changed", "Error in the log", "Error in the log, 40 times within the hour"} <= {
        event.title for event in told
    }


@pytest.mark.parametrize("address", ["/", "/?view=findings", "/?view=timeline", "/?q=alert", "/?view=nonsense"])
def test_nothing_of_a_hostile_bundle_is_markup(address: str, page: TestClient) -> None:
    shown = page.get(address)
    assert shown.status_code == 200
    escaped(shown.text)


def escaped(text: str) -> None:
    assert "<script>alert" not in text
    assert "<img src=x" not in text
    assert "\x1b" not in text
    assert "‮" not in text
    assert "{{7*7}}" in text or "7*7" not in text
    assert not re.search(r"href=\"(?!/|\?|#)", text)


def test_each_file_is_text_and_each_link_leads_to_its_file(bundle: JudgedBundle, page: TestClient) -> None:
    for file in bundle.opened.manifest.present:
        shown = page.get("/", params={"file": file.path})
        assert shown.status_code == 200, file.path
        escaped(shown.text)
    links = re.findall(r'href="(/\?file=[^"]+)"', page.get("/").text)
    assert len(links) == len(bundle.opened.manifest.present)
    assert all(page.get(link.replace("&amp;", "&")).status_code == 200 for link in links)


@pytest.mark.parametrize("path", ["../../etc/passwd", "/etc/passwd", "manifest.json"])
def test_what_is_not_in_the_list_is_not_shown(path: str, page: TestClient) -> None:
    answer = page.get("/", params={"file": path})
    assert answer.status_code == 400
    assert "no such file" in answer.text.lower()


def test_the_search_finds_lines_of_all_files_and_says_where(page: TestClient) -> None:
    shown = page.get("/", params={"q": "NO SPACE LEFT"}).text
    assert "40 lines" in shown
    assert "logs/journal.jsonl" in shown
    assert "No line holds that" in page.get("/", params={"q": "nowhere at all"}).text


def test_the_page_goes_with_no_other_question(tmp_path: Path, private: Path, run: Run) -> None:
    refused = run("open-bundle", made(tmp_path), "--page", "--list", "--home", private, "--json")
    assert refused.code == 1
    assert "do not go together" in refused.json["error"]["what"]

"""Static files: addresses that change with the content, caching that follows, and nothing else served."""

from __future__ import annotations

import json
import re
from pathlib import Path

import httpx2
import pytest
from starlette.applications import Starlette

from tests.running import PLAIN
from web.build_vendor import FILES, FOR_TESTS, TEST_FILES, VENDOR, VendorError, copy, run
from web.pages import STATIC, MissingStaticFileError, icon_names, icon_url, static_mount, static_url
from web.security import SecurityHeaders

ROOT = Path(__file__).resolve().parents[2]
APP = SecurityHeaders(Starlette(routes=[static_mount()]))


async def get(path: str, **headers: str) -> httpx2.Response:
    transport = httpx2.ASGITransport(app=APP)
    async with httpx2.AsyncClient(verify=PLAIN, transport=transport, base_url="http://desk") as client:
        return await client.get(path, headers=headers)


async def test_a_hashed_address_may_be_kept_for_ever() -> None:
    answer = await get(static_url("bellpull.css"))
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["content-type"] == "text/css; charset=utf-8"
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("query", ["", "?v=", "?v=000000000000"])
async def test_any_other_address_is_asked_again(query: str) -> None:
    assert (await get(f"/static/bellpull.css{query}")).headers["cache-control"] == "no-cache"


async def test_an_unchanged_file_is_not_sent_again_and_may_still_be_kept() -> None:
    first = await get(static_url("bellpull.css"))
    second = await get(static_url("bellpull.css"), **{"If-None-Match": first.headers["etag"]})
    assert (second.status_code, second.content) == (304, b"")
    assert second.headers["cache-control"] == first.headers["cache-control"]


@pytest.mark.parametrize(
    "path",
    [
        "/static/",
        "/static/absent.css",
        "/static/vendor/.complete",
        "/static/..%2fpages.py",
        "/static/%2e%2e/pages.py",
        "/static/....//pages.py",
        "/static/%2fetc/passwd",
        "/static/bellpull.css%00.js",
        "/static/vendor",
        "/static/" + "a" * 5000,
    ],
)
async def test_nothing_else_is_served(path: str) -> None:
    assert (await get(path)).status_code == 404


async def test_scripts_are_called_scripts_on_every_system() -> None:
    for script in STATIC.rglob("*.js"):
        answer = await get(f"/static/{script.relative_to(STATIC).as_posix()}")
        assert answer.headers["content-type"].startswith("text/javascript")


def test_a_file_that_is_not_there_says_what_to_do() -> None:
    with pytest.raises(MissingStaticFileError, match=r"vendor/absent\.js is not there\. Run `make vendor` once\."):
        static_url("vendor/absent.js")


def test_an_icon_that_is_not_in_the_sprite_is_an_error() -> None:
    with pytest.raises(LookupError, match="no icon 'unicorn'"):
        icon_url("unicorn")


def test_the_icons_listed_for_readers_are_those_there_are() -> None:
    listed = re.search(r"Icons: `([^`]*)`", (ROOT / "web" / "README.md").read_text(encoding="utf-8"))
    assert listed is not None
    assert sorted(listed[1].split()) == sorted(icon_names() - {"bellmark"})


def test_the_lock_names_versions_and_hashes_and_no_host() -> None:
    text = (ROOT / "package-lock.json").read_text(encoding="utf-8")
    assert "://" not in text
    lock = json.loads(text)
    package = json.loads((ROOT / "package.json").read_text(encoding="utf-8"))
    wanted = package["dependencies"] | package["devDependencies"]
    packages = {name.removeprefix("node_modules/"): entry for name, entry in lock["packages"].items() if name}
    assert {name: entry["version"] for name, entry in packages.items()} == wanted
    assert all(entry["integrity"].startswith("sha512-") for entry in packages.values())


def test_the_vendor_folder_is_whole_and_carries_the_licences() -> None:
    assert {path.name for path in VENDOR.iterdir()} == {*FILES.values(), ".complete"}
    scripts = [name for name in FILES.values() if name.endswith(".js")]
    assert len(scripts) == len([name for name in FILES.values() if name.endswith("LICENSE.txt")])


def test_what_only_tests_run_is_not_among_what_pages_load() -> None:
    assert {name for name in TEST_FILES.values() if not (FOR_TESTS / name).is_file()} == set()
    assert VENDOR not in FOR_TESTS.parents
    assert {Path(name).name for name in TEST_FILES.values() if name.endswith(".js")} & set(FILES.values()) == set()


def test_a_build_that_stops_half_way_is_not_taken_for_a_whole_one(tmp_path: Path) -> None:
    vendor = tmp_path / "vendor"
    vendor.mkdir()
    (vendor / ".complete").write_text("of an older build", encoding="utf-8")
    with pytest.raises(FileNotFoundError):
        copy(tmp_path / "node_modules", vendor)
    assert not (vendor / ".complete").exists()


def test_a_command_that_fails_shows_what_it_said(tmp_path: Path) -> None:
    import sys

    with pytest.raises(VendorError, match="ended with 3:\nno network"):
        run([sys.executable, "-c", "print('no network'); raise SystemExit(3)"], cwd=tmp_path)

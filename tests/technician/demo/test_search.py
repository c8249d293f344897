"""The search for canaries finds them wherever a server could read them, or it would prove nothing."""

import base64
import gzip
import json
import sqlite3
from pathlib import Path

import pytest

from diagnostics.bundle.zstandard import ZstdCompressor
from technician.demo.canaries import is_telling, of_this_machine, plant
from technician.demo.search import Haystack

WORD = "canary-bp0123456789ab"


def inside(piece: bytes) -> bool:
    haystack = Haystack((WORD, "something else"))
    haystack.look("here", piece)
    assert "something else" not in haystack.found
    return WORD in haystack.found


def b64(data: bytes) -> bytes:
    return base64.b64encode(data)


HIDDEN = {
    "as it is": WORD.encode(),
    "in capitals": WORD.upper().encode(),
    "in a sentence": f"the folder {WORD}/notes".encode(),
    "in JSON": json.dumps({"a": [{"b": WORD}]}).encode(),
    "in base64": b64(WORD.encode()),
    "in base64 at another offset": b64(b"x" + WORD.encode()),
    "in base64 of JSON in JSON": json.dumps({"payload": b64(json.dumps({"w": WORD}).encode()).decode()}).encode(),
    "three deep": b64(
        json.dumps({"p": b64(json.dumps({"q": b64(WORD.encode()).decode()}).encode()).decode()}).encode()
    ),
    "in URL-safe base64 without padding": base64.urlsafe_b64encode(f">>>???{WORD}".encode()).rstrip(b"="),
    "packed by gzip": gzip.compress(f"padding {WORD} padding".encode()),
    "packed by gzip in base64": b64(gzip.compress(WORD.encode() * 3)),
    "as UTF-16": WORD.encode("utf-16-le"),
}


@pytest.mark.parametrize("piece", HIDDEN.values(), ids=HIDDEN.keys())
def test_a_word_is_found(piece: bytes) -> None:
    assert inside(piece)


def test_a_bundle_that_nobody_sealed_would_be_found() -> None:
    packed = ZstdCompressor()
    assert inside(packed.compress(f"tar {WORD}".encode()) + packed.flush())


@pytest.mark.parametrize("piece", [b"", b"nothing of the kind", bytes(range(256)) * 40, b64(bytes(range(256)) * 40)])
def test_nothing_is_found_where_nothing_is(piece: bytes) -> None:
    assert not inside(piece)


def test_a_word_that_is_not_ascii_is_found_as_json_writes_it() -> None:
    haystack = Haystack(("köln-laptop",))
    haystack.look("escaped", json.dumps({"a": "Köln-Laptop"}).encode())
    assert haystack.found == {"köln-laptop": {"escaped"}}


def test_every_file_and_every_cell_of_every_database_is_searched(tmp_path: Path) -> None:
    folder = tmp_path / "server"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "log.txt").write_text(f"… {WORD} …")
    connection = sqlite3.connect(folder / "bellpull.db")
    connection.execute('CREATE TABLE "odd ""name" (a TEXT, b BLOB, c INTEGER)')
    connection.execute('INSERT INTO "odd ""name" VALUES (?, ?, 1)', ("x", b64(WORD.encode())))
    connection.commit()
    haystack = Haystack((WORD,))
    assert haystack.look_in_folder(folder) == 2
    connection.close()
    assert haystack.found[WORD] >= {"server/deep/log.txt", 'server/bellpull.db: table odd "name'}


def test_links_out_of_the_folder_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "outside").write_text(WORD)
    (tmp_path / "server").mkdir()
    (tmp_path / "server" / "link").symlink_to(tmp_path / "outside")
    haystack = Haystack((WORD,))
    assert haystack.look_in_folder(tmp_path / "server") == 0
    assert haystack.found == {}


@pytest.mark.parametrize("word", ["", "root", "vm", "anna", "localhost", "aaaaaaaaaa", "Administrator"])
def test_words_that_are_found_anywhere_are_no_canaries(word: str) -> None:
    assert not is_telling(word)


def test_canaries_of_this_machine_are_all_telling() -> None:
    assert all(is_telling(canary.word) for canary in of_this_machine())


def test_planted_canaries_differ_each_time_and_lie_in_the_folder(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    one, other = plant(tmp_path / "a"), plant(tmp_path / "b")
    words = [canary.word for canary in (*one.canaries, *other.canaries)]
    assert len(set(words)) == len(words)
    assert all(is_telling(word) for word in words)
    if one.process is not None:
        assert one.process.parent == tmp_path / "a"
        assert len(one.process.name) <= 15

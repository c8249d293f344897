import sqlite3
import stat
from pathlib import Path

import pytest

from agent.store.database import DamagedDatabase, Database, NotRead, NotWritten
from agent.store.kept_values import KeptValues


def put_and_fail(database: Database, name: str) -> None:
    with database.transaction():
        KeptValues(database).put(name, "value")
        raise ZeroDivisionError


def put_inside_and_fail(database: Database) -> None:
    with database.transaction():
        with database.transaction():
            KeptValues(database).put("inner", 1)
        raise ZeroDivisionError


def put_small_and_large(database: Database) -> None:
    with database.transaction():
        KeptValues(database).put("small", "x")
        KeptValues(database).put("large", "x" * 100_000)


def test_the_file_is_for_its_owner_alone(database: Database) -> None:
    with database.transaction() as connection:
        connection.execute("INSERT INTO kept_values VALUES ('a', 'b')")
    for file in database.path.parent.glob("agent.db*"):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file


def test_commits_are_flushed_to_the_disk(database: Database) -> None:
    assert database.query("PRAGMA synchronous")[0][0] == 2
    assert database.query("PRAGMA journal_mode")[0][0] == "wal"


def test_a_failed_transaction_leaves_nothing(database: Database) -> None:
    kept = KeptValues(database)
    with pytest.raises(ZeroDivisionError):
        put_and_fail(database, "name")
    assert kept.get("name") is None


def test_an_inner_failure_leaves_the_outer_whole(database: Database) -> None:
    kept = KeptValues(database)
    with database.transaction():
        kept.put("outer", 1)
        with pytest.raises(ZeroDivisionError):
            put_and_fail(database, "inner")
        kept.put("after", 1)
    assert (kept.find_int("outer"), kept.get("inner"), kept.find_int("after")) == (1, None, 1)


def test_a_number_with_a_flipped_digit_was_never_kept(database: Database) -> None:
    kept = KeptValues(database)
    kept.put("floor", 1_793_491_200)
    kept.put("of an older version", "1793491200")
    with database.transaction() as connection:
        connection.execute("UPDATE kept_values SET value = replace(value, '17934', '97934') WHERE name = 'floor'")
    assert (kept.find_int("floor"), kept.get_int("floor", 7)) == (None, 7)
    assert kept.find_int("of an older version") == 1_793_491_200


def test_an_outer_failure_takes_the_inner_with_it(database: Database) -> None:
    kept = KeptValues(database)
    with pytest.raises(ZeroDivisionError):
        put_inside_and_fail(database)
    assert kept.get("inner") is None
    kept.put("still", "usable")
    assert kept.get("still") == "usable"


def test_a_full_disk_says_so_and_the_next_write_works(tmp_path: Path) -> None:
    database = Database(tmp_path / "agent.db")
    kept = KeptValues(database)
    database.query(f"PRAGMA max_page_count={database.query('PRAGMA page_count')[0][0]}")
    with pytest.raises(NotWritten, match="nothing could be written"):
        kept.put("large", "x" * 100_000)
    database.query("PRAGMA max_page_count=100000")
    kept.put("large", "x" * 100_000)
    assert kept.get("large") == "x" * 100_000
    database.close()


def test_a_full_disk_inside_a_nested_transaction_rolls_all_of_it_back(tmp_path: Path) -> None:
    database = Database(tmp_path / "agent.db")
    kept = KeptValues(database)
    database.query(f"PRAGMA max_page_count={database.query('PRAGMA page_count')[0][0]}")
    with pytest.raises(NotWritten):
        put_small_and_large(database)
    assert kept.get("small") is None
    kept.put("small", "y")
    assert kept.get("small") == "y"
    database.close()


def test_garbage_is_not_taken_for_a_database(tmp_path: Path) -> None:
    path = tmp_path / "agent.db"
    path.write_bytes(b"SQLite format 3\0" + b"\xff" * 8000)
    with pytest.raises(DamagedDatabase, match="damaged"):
        Database(path)


def test_a_page_of_zeros_in_the_middle_is_found_at_start(tmp_path: Path) -> None:
    path = tmp_path / "agent.db"
    database = Database(path)
    with database.transaction() as connection:
        for number in range(500):
            connection.execute("INSERT INTO kept_values VALUES (?, ?)", (f"name {number}", "x" * 300))
    database.close()
    pages = path.stat().st_size // 4096
    with path.open("r+b") as file:
        for page in range(pages // 2, pages):
            file.seek(page * 4096)
            file.write(bytes(4096))
    with pytest.raises(DamagedDatabase, match="damaged"):
        Database(path)


def test_a_database_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    database = Database(tmp_path / "agent.db")
    database.query("PRAGMA user_version = 99")
    database.close()
    with pytest.raises(DamagedDatabase, match="newer Bellpull"):
        Database(tmp_path / "agent.db")


def test_a_link_in_place_of_the_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_bytes(b"")
    (tmp_path / "agent.db").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(NotWritten, match="cannot be opened"):
        Database(tmp_path / "agent.db")


def test_a_file_damaged_while_it_is_open_is_told_as_such_and_wrong_sql_is_not(tmp_path: Path) -> None:
    database = Database(tmp_path / "agent.db")
    kept = KeptValues(database)
    with database.transaction():
        for number in range(200):
            kept.put(f"filler {number}", "x" * 1000)
    database.query("PRAGMA wal_checkpoint(TRUNCATE)")
    whole = (tmp_path / "agent.db").read_bytes()
    (tmp_path / "agent.db").write_bytes(whole[:8192] + b"\xff" * (len(whole) - 8192))
    database.query("PRAGMA shrink_memory")
    with pytest.raises(NotRead, match="could not be read"):
        database.query("SELECT name, value FROM kept_values")
    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        database.query("SELECT * FROM nothing_of_the_kind")
    database.close()


def test_a_damaged_name_of_a_table_is_told_though_no_error_can_be_read(tmp_path: Path) -> None:
    Database(tmp_path / "agent.db").close()
    whole = (tmp_path / "agent.db").read_bytes()
    # In the schema: the type, the name of the object, the name of its table.
    name = b"tablekept_valueskept_values"
    assert name in whole
    (tmp_path / "agent.db").write_bytes(whole.replace(name, b"table\xebept_values\xebept_values"))
    with pytest.raises(DamagedDatabase, match="the agent's database is damaged"):
        Database(tmp_path / "agent.db")

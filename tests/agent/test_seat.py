"""Who sits at the machine, from logind's files as they stood on real ones."""

import sys
from pathlib import Path

import pytest

from agent.local.seat import sits_here

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="logind is there on Linux only")

SEAT = "# private data\nIS_SEAT0=1\nACTIVE={session}\nACTIVE_UID={uid}\nSESSIONS=2 c1\n"
SESSION = "# private data\nUID={uid}\nUSER=anna\nACTIVE=1\nSTATE=active\nREMOTE=0\nCLASS={kind}\n"


@pytest.fixture
def logind(tmp_path: Path) -> Path:
    (tmp_path / "seats").mkdir()
    (tmp_path / "sessions").mkdir()
    return tmp_path


def sitting(logind: Path, uid: int, session: str = "2", kind: str = "user") -> None:
    (logind / "seats" / "seat0").write_text(SEAT.format(session=session, uid=uid))
    (logind / "sessions" / session).write_text(SESSION.format(uid=uid, kind=kind))


def test_the_active_person_sits_here_and_nobody_else_does(logind: Path) -> None:
    sitting(logind, 1000)
    assert sits_here(1000, logind)
    assert not sits_here(1001, logind)
    assert not sits_here(65534, logind)


def test_who_is_logged_in_but_not_active_does_not_sit_here(logind: Path) -> None:
    """A second person who has switched away, or one who came over SSH: no seat names them as active."""
    sitting(logind, 1000)
    (logind / "sessions" / "7").write_text(SESSION.format(uid=1001, kind="user"))
    assert not sits_here(1001, logind)


def test_the_login_screen_is_nobody(logind: Path) -> None:
    sitting(logind, 121, "c1", "greeter")
    assert not sits_here(121, logind)


@pytest.mark.parametrize("seat", ["", "ACTIVE=2\n", "ACTIVE_UID=1000\n", "ACTIVE=../../x\nACTIVE_UID=1000\n", "\x00"])
def test_a_seat_that_does_not_say_has_nobody(logind: Path, seat: str) -> None:
    sitting(logind, 1000)
    (logind / "seats" / "seat0").write_text(seat)
    assert not sits_here(1000, logind)


def test_without_logind_nobody_sits_here(tmp_path: Path) -> None:
    assert not sits_here(1000, tmp_path / "none")

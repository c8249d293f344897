"""Whose program opens a loopback face: the kernel's table, and the real thing with another user's process."""

import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from web.loopback import LaunchToken
from web.own_user import OwnUser, own_users, user_of

TABLE = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 1 1 0
   1: 0100007F:1F90 0100007F:D2F0 01 00000000:00000000 00:00000000 00000000  1000        0 2 1 0
   2: 0100007F:D2F0 0100007F:1F90 01 00000000:00000000 00:00000000 00000000 65534        0 3 1 0
"""


@pytest.fixture
def table(tmp_path: Path) -> Path:
    file = tmp_path / "tcp"
    file.write_text(TABLE)
    return file


def test_the_clients_end_tells_whose_it_is(table: Path) -> None:
    assert user_of(("127.0.0.1", 54000), ("127.0.0.1", 8080), table) == 65534
    assert user_of(("127.0.0.1", 8080), ("127.0.0.1", 54000), table) == 1000


@pytest.mark.parametrize("client", [("127.0.0.1", 1), ("::1", 54000), ("testclient", 50000)])
def test_a_connection_that_is_not_there_is_nobodys(table: Path, client: tuple[str, int]) -> None:
    assert user_of(client, ("127.0.0.1", 8080), table) is None


def test_without_a_table_it_does_not_say(tmp_path: Path) -> None:
    assert user_of(("127.0.0.1", 54000), ("127.0.0.1", 8080), tmp_path / "none") is None


def test_root_and_the_person_behind_sudo_are_our_own() -> None:
    assert {0, os.geteuid()} <= own_users({})
    assert (1234 in own_users({"SUDO_UID": "1234"})) is (os.geteuid() == 0)


_OPEN = """
import encodings.idna, http.client, os, sys, urllib.error, urllib.request
if sys.argv[2] == "another":
    os.setgroups([]); os.setgid(65534); os.setuid(65534)
class Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_): return None
try:
    print(urllib.request.build_opener(Stay).open(sys.argv[1]).status)
except urllib.error.HTTPError as error:
    print(error.code)
"""


@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="only root on Linux can be another user here")
def test_another_user_with_the_very_token_does_not_get_in_and_does_not_spend_it() -> None:
    async def inside(request: Request) -> Response:
        return PlainTextResponse("inside")

    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(8)
        port = listening.getsockname()[1]
        door = LaunchToken(Starlette(routes=[Route("/", inside)]), face="test", port=port)
        config = uvicorn.Config(OwnUser(door), log_level="warning", lifespan="off")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        address = door.address(f"http://127.0.0.1:{port}")

        def opened_by(who: str) -> str:
            argv = [sys.executable, "-I", "-c", _OPEN, address, who]
            done = subprocess.run(argv, capture_output=True, text=True, timeout=30, check=False, cwd="/")
            return done.stdout.strip() or done.stderr

        assert opened_by("another") == "403"
        assert opened_by("ours") == "303", "the person's own browser still gets in"
        assert opened_by("ours") == "403", "once"
        server.should_exit = True
        thread.join(10)

"""Networks as customers have them: proxies, portals, no DNS, IPv6 only. What cannot work is told in plain words."""

import asyncio
import os
import socket
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from agent.link import http
from agent.link.connection import LinkLost, open_connection
from agent.link.link import Link
from tests.agent.desk_server import DeskServer
from tests.faults.bench import Bench, LoopClocks
from tests.faults.proxy import FaultProxy
from tests.faults.ways_out import HOST, ConnectProxy, carry, certificate_for, listening, portal

ORIGIN = f"https://{HOST}"


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    return certificate_for(HOST, tmp_path)


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, files: tuple[Path, Path]) -> pytest.MonkeyPatch:
    """As on a machine without any proxy, whose system trusts the authority of `help.example`."""
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("SSL_CERT_FILE", str(files[0]))
    return monkeypatch


@asynccontextmanager
async def behind_tls(server: DeskServer, files: tuple[Path, Path]) -> AsyncIterator[int]:
    """The desk at https://help.example, on a port that only a proxy finds."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*files)
    front = await asyncio.start_server(
        lambda reader, writer: carry(reader, writer, server.port), "127.0.0.1", 0, ssl=context
    )
    try:
        yield front.sockets[0].getsockname()[1]
    finally:
        front.close()


@asynccontextmanager
async def through(
    tmp_path: Path, files: tuple[Path, Path], patch: pytest.MonkeyPatch, *, login: str | None, given: str
) -> AsyncIterator[tuple[Bench, Link, ConnectProxy]]:
    async with DeskServer() as server, behind_tls(server, files) as target:
        proxy = ConnectProxy(target, login=login)
        async with listening(proxy) as port:
            patch.setenv("HTTPS_PROXY", f"http://{given}127.0.0.1:{port}")
            bench = Bench(server, FaultProxy.before(server.origin), tmp_path / "state", 5.0)
            server.device_key = None  # the origin in the login is the one behind the proxy
            identity = replace(bench.identity, origin=ORIGIN)
            link = Link(identity, bench.outbox, LoopClocks(), log=bench.log, uniform=lambda: 0.01)
            bench.link = link
            async with bench.running():
                yield bench, link, proxy


@pytest.mark.parametrize(
    ("login", "given"), [(None, ""), ("anna:p@ss", "anna:p%40ss@")], ids=["open", "with a password"]
)
async def test_a_link_goes_through_an_http_proxy_sealed_by_tls(
    tmp_path: Path, files: tuple[Path, Path], environment: pytest.MonkeyPatch, login: str | None, given: str
) -> None:
    async with through(tmp_path, files, environment, login=login, given=given) as (bench, link, proxy):
        await bench.until(lambda: link.connected)
        bench.promise(3)
        await bench.all_kept()
        assert proxy.asked == [f"CONNECT {HOST}:443 HTTP/1.1"]


@pytest.mark.parametrize("given", ["", "anna:wrong@"], ids=["none", "a wrong one"])
async def test_a_proxy_that_wants_a_password_is_told_with_where_to_name_it(
    tmp_path: Path, files: tuple[Path, Path], environment: pytest.MonkeyPatch, given: str
) -> None:
    async with through(tmp_path, files, environment, login="anna:right", given=given) as (bench, link, _):
        await bench.until(lambda: "(407)" in link.view().trouble)
        assert "HTTPS_PROXY" in link.view().trouble
        assert "wrong" not in link.view().trouble, "a password is nobody's to read in a status"


async def test_commands_go_through_the_same_proxy(
    tmp_path: Path, files: tuple[Path, Path], environment: pytest.MonkeyPatch
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*files)
    front = await asyncio.start_server(portal("200 OK"), "127.0.0.1", 0, ssl=context)
    proxy = ConnectProxy(front.sockets[0].getsockname()[1], login="anna:secret")
    async with listening(proxy) as port:
        environment.setenv("HTTPS_PROXY", f"http://anna:secret@127.0.0.1:{port}")

        def ask() -> int:
            with http.open_client(ORIGIN) as client:
                return http.send(client, "GET", "/api/server")[0]

        assert await asyncio.to_thread(ask) == 200
    front.close()


async def test_a_proxy_that_refuses_the_way_is_told_as_such(environment: pytest.MonkeyPatch) -> None:
    async with listening(portal("403 Forbidden")) as port:
        environment.setenv("HTTPS_PROXY", f"http://127.0.0.1:{port}")
        with pytest.raises(LinkLost, match=r"the proxy of this network refused the way to the server \(403\)"):
            await open_connection(ORIGIN)


WITHOUT_SOCKS = """
import asyncio, sys
sys.modules["python_socks"] = sys.modules["socksio"] = None
from agent.link import http
from agent.link.connection import LinkLost, open_connection
from agent.refusal import Refusal
try:
    asyncio.run(open_connection("https://help.example"))
except LinkLost as lost:
    print("link:", lost)
try:
    http.open_client("https://help.example")
except Refusal as refusal:
    print("command:", refusal)
"""


def test_a_socks_proxy_is_told_as_not_used_and_ends_nothing(environment: pytest.MonkeyPatch) -> None:
    """The agent is delivered without the libraries for it, which developers may have: a process of its own."""
    environment.setenv("ALL_PROXY", "socks5h://127.0.0.1:9")
    environment.setenv("HTTPS_PROXY", "socks5h://127.0.0.1:9")
    done = subprocess.run([sys.executable, "-c", WITHOUT_SOCKS], capture_output=True, text=True, check=False)
    told = done.stdout.splitlines()
    assert [line.partition(":")[0] for line in told if "SOCKS proxy, which this program does not use" in line] == [
        "link",
        "command",
    ], done.stderr


async def test_a_malformed_proxy_is_told_without_its_password(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("HTTPS_PROXY", "gopher://anna:secret@127.0.0.1:70")
    with pytest.raises(LinkLost, match="the proxy that this system names cannot be used") as lost:
        await open_connection(ORIGIN)
    assert "secret" not in str(lost.value)


@pytest.mark.parametrize(
    "answer",
    [("200 OK",), ("302 Found", "Location: http://hotel.example/sign-in"), ("511 Network Authentication Required",)],
    ids=lambda answer: answer[0],
)
async def test_a_captive_portal_is_told_plainly(answer: tuple[str, ...]) -> None:
    async with listening(portal(*answer)) as port:
        with pytest.raises(LinkLost, match=f"answered {answer[0][:3]} .* wants a sign-in first"):
            await open_connection(f"http://127.0.0.1:{port}")


async def test_a_portal_that_breaks_into_tls_is_not_trusted(
    tmp_path: Path, files: tuple[Path, Path], environment: pytest.MonkeyPatch
) -> None:
    (tmp_path / "hotel").mkdir()
    async with DeskServer() as server, behind_tls(server, certificate_for(HOST, tmp_path / "hotel")) as target:
        async with listening(ConnectProxy(target)) as port:
            environment.setenv("HTTPS_PROXY", f"http://127.0.0.1:{port}")
            with pytest.raises(LinkLost, match=r"the TLS certificate of https://help\.example is not trusted"):
                await open_connection(ORIGIN)
        assert server.connections == []


async def test_a_machine_with_ipv6_only_reaches_its_server(tmp_path: Path) -> None:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError as error:
        pytest.skip(f"no IPv6 on this machine: {error}")
    async with DeskServer() as server:
        net = FaultProxy("127.0.0.1", server.port, listen_on="::1")
        async with net:
            assert net.origin == f"http://[::1]:{net.port}"
            bench = Bench(server, net, tmp_path / "state", 5.0)
            async with bench.running():
                await bench.until(lambda: bench.link.connected)
                bench.promise(3)
                await bench.all_kept()


async def test_a_name_that_nobody_resolves_is_told(environment: pytest.MonkeyPatch) -> None:
    asked: list[object] = []

    def gone(host: object, *_: object, **__: object) -> list[object]:
        asked.append(host)
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    environment.setattr(socket, "getaddrinfo", gone)
    with pytest.raises(LinkLost, match="cannot be reached: Temporary failure in name resolution"):
        await open_connection(ORIGIN)
    assert asked == [HOST]

"""The two questions to other machines: exactly what is said, and that no answer can hold a look. Loopback only."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from diagnostics.machine.interface import Native, Unreadable
from diagnostics.machine.own_use import AgentState, servers_of
from diagnostics.machine.read.web import ask_web, parse_answer, probe, server_certificate


@contextmanager
def listening(answer: Callable[[socket.socket], None], *, times: int = 1) -> Iterator[int]:
    """A server on loopback that answers so many connections."""

    def serve() -> None:
        for _ in range(times):
            connection, _ = server.accept()
            with connection:
                answer(connection)

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            thread.join(10)
            assert not thread.is_alive()


def test_the_probe_says_nothing_but_its_address() -> None:
    heard: list[bytes] = []

    def answer(connection: socket.socket) -> None:
        heard.append(connection.recv(4096))
        connection.sendall(b"HTTP/1.1 204 No Content\r\nServer: x\r\n\r\n")

    with listening(answer) as port:
        told = ask_web(Native.PORTAL, AgentState(pid=1, portal_probe=f"http://127.0.0.1:{port}/204"))
    assert told == {"host": "127.0.0.1", "status": 204, "location_host": "", "error": ""}
    assert heard == [f"GET /204 HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n".encode()]


def test_an_answer_that_drips_is_left_at_the_deadline() -> None:
    def answer(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(b"HTTP/1.1 2")
        connection.settimeout(5)
        connection.recv(1)  # until the other side leaves

    with listening(answer) as port:
        told = probe(f"http://127.0.0.1:{port}/", max_s=0.1)
    assert (told["status"], told["error"]) == (0, "no answer in time")


def test_an_answer_without_end_is_left_at_its_bound() -> None:
    def answer(connection: socket.socket) -> None:
        connection.recv(4096)
        try:
            while True:
                connection.sendall(b"HTTP/1.1 200 " + b"x" * 4096)
        except OSError:
            return  # the other side has left, as it should

    with listening(answer) as port:
        assert probe(f"http://127.0.0.1:{port}/")["status"] == 200


@pytest.mark.parametrize(
    ("head", "status", "location", "error"),
    [
        (b"HTTP/1.1 302 Found\r\nlocation: http://login.hotel.example/?x=1\r\n", 302, "login.hotel.example", ""),
        (b"HTTP/1.1 302 Found\r\nLocation: /here\r\n", 302, "", ""),
        (b"HTTP/1.1 302 Found\r\nLocation: http://[broken\r\n", 302, "", ""),
        (b"SSH-2.0-OpenSSH_9.2\r\n", 0, "", "the answer was not HTTP"),
        (b"HTTP/1.1 99999\r\n", 0, "", "the answer was not HTTP"),
        (b"", 0, "", "the answer was not HTTP"),
    ],
)
def test_answers_are_read_as_they_come(head: bytes, status: int, location: str, error: str) -> None:
    assert parse_answer(head) == {"status": status, "location_host": location, "error": error}


@pytest.mark.parametrize("url", ["https://a/", "ftp://a/", "http:///x", "http://a/b c", "http://a/\r\nX: y"])
def test_only_a_plain_address_is_asked(url: str) -> None:
    with pytest.raises(Unreadable, match="not plain http"):
        probe(url.replace("\r\n", " "))


def test_without_an_address_nobody_is_asked() -> None:
    with pytest.raises(Unreadable, match="portal_probe"):
        ask_web(Native.PORTAL, AgentState(pid=1))
    with pytest.raises(Unreadable, match="no server over TLS"):
        ask_web(Native.SERVER_CERTIFICATES, AgentState(pid=1))
    assert servers_of("https://desk.example.org") == ("desk.example.org:443",)
    assert servers_of("https://[::1]:8443") == ("[::1]:8443",)
    assert servers_of("http://127.0.0.1:8000") == ()


def test_a_servers_certificate_is_seen_and_that_nobody_trusts_it(tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    pem = tmp_path / "server.pem"
    pem.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)

    def answer(connection: socket.socket) -> None:
        try:
            with context.wrap_socket(connection, server_side=True) as secured:
                secured.recv(1)
        except OSError:
            return  # the one who does not trust us hangs up in the middle

    with listening(answer, times=2) as port:
        told = server_certificate(f"127.0.0.1:{port}")
    assert told["trust_error"] == "self-signed certificate"
    assert told["error"] == ""
    from base64 import b64decode

    assert b64decode(str(told["der"])) == certificate.public_bytes(serialization.Encoding.DER)


def test_a_server_that_is_not_there_says_so() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    assert server_certificate(f"127.0.0.1:{port}")["error"] == "connection refused"

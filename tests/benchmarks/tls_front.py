"""TLS before the server, as Caddy or nginx do it: a customer's agent never speaks anything else to its organisation.

    with tls_front(folder, behind=port) as front:     front.origin = "https://127.0.0.1:…"

A certificate made here, trusted through a file that also holds every authority this system trusts: what an agent loads
is what it loads anywhere. Bytes are carried by threads of this process; nothing is looked at.
"""

import contextlib
import datetime
import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

_LOOPBACK = "127.0.0.1"
_PIECE_BYTES = 64 * 1024


@dataclass(frozen=True)
class TlsFront:
    """`environment`: what programs need to trust it."""

    origin: str
    environment: dict[str, str]


@contextmanager
def tls_front(folder: Path, *, behind: int) -> Iterator[TlsFront]:
    certificate, key, trusted = self_signed(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with socket.create_server((_LOOPBACK, 0)) as listening:
        threading.Thread(target=_accept, args=(listening, context, behind), daemon=True).start()
        origin = f"https://{_LOOPBACK}:{listening.getsockname()[1]}"
        yield TlsFront(origin, {"SSL_CERT_FILE": str(trusted)})


def _accept(listening: socket.socket, context: ssl.SSLContext, behind: int) -> None:
    while True:
        try:
            client, _ = listening.accept()
        except OSError:
            return  # closed: the benchmark is over
        threading.Thread(target=_serve, args=(client, context, behind), daemon=True).start()


def _serve(client: socket.socket, context: ssl.SSLContext, behind: int) -> None:
    with (
        contextlib.suppress(OSError),
        context.wrap_socket(client, server_side=True) as outer,
        socket.create_connection((_LOOPBACK, behind)) as inner,
    ):
        back = threading.Thread(target=_carry, args=(inner, outer), daemon=True)
        back.start()
        _carry(outer, inner)
        back.join()


def _carry(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while piece := source.recv(_PIECE_BYTES):
            target.sendall(piece)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_RDWR)


def self_signed(folder: Path) -> tuple[Path, Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Bellpull benchmark")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(_LOOPBACK))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    system = ssl.get_default_verify_paths().cafile
    files = folder / "tls-certificate.pem", folder / "tls-key.pem", folder / "tls-trusted.pem"
    files[0].write_bytes(pem)
    files[1].write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    files[2].write_bytes((Path(system).read_bytes() if system else b"") + b"\n" + pem)
    return files

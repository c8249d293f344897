"""Redacts and seals one small document: a child, because redaction and age cost memory the idle service does without.

`python -m agent.bundles.seal_worker` < SealRequest > sealed bytes (age), or nothing and a reason on stderr.
"""

import sys
from dataclasses import dataclass

from agent.session.own_names import names_of
from diagnostics.bundle import BundleRefusedError, seal
from diagnostics.machine.local import local_machine
from diagnostics.redaction import Redactor, WithheldError
from diagnostics.strict_json import decode, load_json

REQUEST_MAX_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True)
class SealRequest:
    """`document`: JSON text. `secret`: the device's pseudonym secret in hex."""

    document: str
    recipients: tuple[str, ...]
    secret: str


def sealed(request: SealRequest) -> bytes:
    """Redacted as bundles are, then sealed. Raises WithheldError or BundleRefusedError: then nothing may go."""
    redactor = Redactor(names_of(local_machine()), bytes.fromhex(request.secret))
    text = b"".join(redactor.stream((request.document.encode(),), path="evidence.json"))
    return seal(text, request.recipients)


def main() -> int:
    request = decode(SealRequest, load_json(sys.stdin.buffer.read(REQUEST_MAX_BYTES)))
    try:
        done = sealed(request)
    except (WithheldError, BundleRefusedError) as error:
        print(f"not sealed: {error}", file=sys.stderr)
        return 1
    sys.stdout.buffer.write(done)
    sys.stdout.buffer.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())

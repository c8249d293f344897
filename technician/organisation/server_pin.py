"""The server an organisation works with, pinned once: its address, the name of its log and the key that signs it.

The log key is what makes rewriting history visible, so it is not taken from the server a second time: a server that
shows another log key later is refused, and the policy published to devices carries the pinned one.
"""

from dataclasses import dataclass

from protocol.checkpoints import LogVerifier
from protocol.messages.api import ServerFacts
from protocol.statements import VerifyKey
from technician.organisation.records import Records
from technician.problems import Problem


@dataclass(frozen=True)
class PinnedServer:
    origin: str
    log_name: str
    log_key: bytes

    @property
    def log_fingerprint(self) -> str:
        return VerifyKey(self.log_key).fingerprint


def pinned_server(records: Records) -> PinnedServer:
    origin, log_name, log_key = (records.fact(name) for name in ("server_origin", "log_name", "log_key"))
    if origin is None or log_name is None or log_key is None:
        raise Problem(
            "no server is pinned yet",
            hint="Do that once: bellpull org pin ORIGIN --setup-code CODE (bellpull-server init printed the code)",
        )
    return PinnedServer(origin.decode(), log_name.decode(), log_key)


def pin_server(records: Records, info: ServerFacts) -> PinnedServer:
    """Keep the server's address and log key; other ones than before are refused."""
    LogVerifier(info.log_name, info.log_key)  # refuses a name that could not stand in a checkpoint
    new = PinnedServer(info.origin, info.log_name, info.log_key)
    if records.fact("log_key") is not None:
        old = pinned_server(records)
        if old != new:
            raise Problem(
                "this server is not the one that was pinned",
                expected=f"{old.origin}, log {old.log_name} with key {old.log_fingerprint[:19]}",
                got=f"{new.origin}, log {new.log_name} with key {new.log_fingerprint[:19]}",
                hint="A restored server keeps its log key. If it was lost, devices must learn of the new one.",
            )
        return old
    records.set_facts(server_origin=info.origin.encode(), log_name=info.log_name.encode(), log_key=info.log_key)
    return new


def check_server(pinned: PinnedServer, info: ServerFacts, root_key: bytes) -> None:
    """Before signing in: is this the server that was pinned, and has it pinned us?"""
    for what, expected, got in (
        ("address", pinned.origin, info.origin),
        ("log", pinned.log_name, info.log_name),
        ("log key", VerifyKey(pinned.log_key).fingerprint[:19], VerifyKey(info.log_key).fingerprint[:19]),
    ):
        if expected != got:
            raise Problem(f"the server shows another {what} than the one pinned", expected=expected, got=got)
    if info.root_key != root_key:
        raise Problem(
            "this server belongs to another organisation",
            expected=f"root {VerifyKey(root_key).fingerprint[:19]}",
            got="none yet" if info.root_key is None else f"root {VerifyKey(info.root_key).fingerprint[:19]}",
            hint="Pin it first: bellpull org pin ORIGIN --setup-code CODE" if info.root_key is None else "",
        )

import stat
from dataclasses import replace
from pathlib import Path

import pytest

from agent.identity import key_files
from agent.identity.enrol import Enrolled, Post, enrol, known_roots, pinned_root
from agent.identity.identity import Identity, device_secrets
from agent.identity.trust_store import TrustStore
from agent.paths import StateFolder
from agent.refusal import Refusal
from agent.store.database import Database, NotWritten
from protocol.enrolment import EnrolmentRequest, print_token, proof_holds
from protocol.errors import RemoteProtocolError
from tests.agent.doubles import HandClocks, device_certificate, enrol_in_memory, enrolment_ticket, recipients
from tests.making import DAY, NOW, Organisation, seed


class Counter:
    """The server's end of enrolment: notes what came."""

    def __init__(self, answer: str | None = None, error: Exception | None = None) -> None:
        self.came: list[tuple[str, EnrolmentRequest]] = []
        self.answer, self.error = answer, error

    def __call__(self, origin: str, request: EnrolmentRequest) -> str:
        self.came.append((origin, request))
        if self.error is not None:
            raise self.error
        return self.answer or request.keys.device


def enrolled(folder: StateFolder, organisation: Organisation, post: Post | None = None, **changes: object) -> None:
    printed = print_token(enrolment_ticket(organisation, **changes))
    enrol(folder, printed, label="", now=NOW, post=post or Counter())


def test_enrolment_pins_the_root_and_sends_public_keys_and_the_proof(
    folder: StateFolder, organisation: Organisation
) -> None:
    counter = Counter()
    done = enrol(folder, print_token(enrolment_ticket(organisation)), label="Anna's", now=NOW, post=counter)
    identity = Identity.load(folder.identity)
    assert identity is not None
    ((origin, request),) = counter.came
    assert (origin, done.device, identity.device) == ("http://127.0.0.1:1", identity.device, request.keys.device)
    assert pinned_root(folder) == organisation.root_hash
    assert request.label == "Anna's"
    assert proof_holds(request.proof, seed("enrolment secret"), request.keys, organisation.root_hash, "Acme")
    sent = request.model_dump_json()
    for name in ("signing", "noise", "witness", "secret"):
        private = (folder.identity / f"{name}.key").read_bytes()
        assert private.hex() not in sent
        assert len(private) == key_files.KEY_BYTES
    assert enrolment_ticket(organisation).secret.hex() not in sent


def test_every_file_of_the_identity_is_for_its_owner_alone(folder: StateFolder, organisation: Organisation) -> None:
    enrolled(folder, organisation)
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in folder.identity.iterdir()}
    keys = ("signing.key", "noise.key", "witness.key", "secret.key")
    assert modes == dict.fromkeys((*keys, "keys.check", "enrolment.json"), 0o600)


def test_the_secret_of_the_token_is_not_kept(folder: StateFolder, organisation: Organisation) -> None:
    enrolled(folder, organisation)
    import base64

    secret = enrolment_ticket(organisation).secret
    for file in folder.identity.iterdir():
        assert secret not in file.read_bytes()
        assert base64.b64encode(secret) not in file.read_bytes()


def test_a_server_that_cannot_be_reached_pins_nothing_and_the_same_token_works_later(
    folder: StateFolder, organisation: Organisation
) -> None:
    with pytest.raises(Refusal, match="cannot be reached"):
        enrolled(folder, organisation, Counter(error=Refusal("the server cannot be reached")))
    assert Identity.load(folder.identity) is None
    first = device_secrets(folder.identity, make=False)
    enrolled(folder, organisation)
    identity = Identity.load(folder.identity)
    assert identity is not None
    assert first is not None
    assert identity.device == first.device


def test_a_token_of_another_root_is_refused_for_ever(folder: StateFolder, organisation: Organisation) -> None:
    enrolled(folder, organisation)
    counter = Counter()
    with pytest.raises(Refusal, match="another organisation"):
        enrolled(folder, Organisation("Mallory GmbH"), counter)
    assert counter.came == []
    assert pinned_root(folder) == organisation.root_hash


def test_a_newer_token_of_the_same_root_is_taken(folder: StateFolder, organisation: Organisation) -> None:
    enrolled(folder, organisation)
    enrolled(folder, organisation, customer="Bella")
    identity = Identity.load(folder.identity)
    assert identity is not None
    assert identity.customer_hint == "Bella"


def test_after_a_rotation_the_new_root_is_the_one_that_counts(folder: StateFolder, organisation: Organisation) -> None:
    from protocol.certificates import RootRotation

    enrolled(folder, organisation)
    identity = Identity.load(folder.identity)
    assert identity is not None
    after = Organisation("Helpful Ltd after")
    body = RootRotation(
        old_root=organisation.root_hash,
        new_root=after.root_hash,
        new_root_key=after.root.public,
        sequence=1,
        issued_at=NOW,
    )
    database = Database(folder.database)
    store = TrustStore(database, identity, HandClocks())
    assert store.accept_rotation(after.root.add_signature(organisation.root.sign(body)))
    database.close()
    assert pinned_root(folder) == after.root_hash
    assert known_roots(folder) == (after.root.verify_key, organisation.root.verify_key)
    with pytest.raises(Refusal, match="another organisation"):
        enrolled(folder, organisation)
    enrolled(folder, after)


# --- the same machine with new keys -----------------------------------------------------------------------------


def with_new_keys(folder: StateFolder, organisation: Organisation, post: Post) -> Enrolled:
    printed = print_token(enrolment_ticket(organisation))
    return enrol(folder, printed, label="", now=NOW, new_keys=True, post=post)


def test_new_keys_make_another_device_that_says_which_it_was(folder: StateFolder, organisation: Organisation) -> None:
    enrolled(folder, organisation)
    before = Identity.load(folder.identity)
    assert before is not None
    counter = Counter()
    done = with_new_keys(folder, organisation, counter)
    now = Identity.load(folder.identity)
    assert now is not None
    assert (done.replaced, done.device) == (before.device, now.device)
    assert now.device != before.device
    ((_, request),) = counter.came
    secret, root = seed("enrolment secret"), organisation.root_hash
    assert request.replaces == before.device
    assert proof_holds(request.proof, secret, request.keys, root, "Acme", replaces=before.device)
    assert not proof_holds(request.proof, secret, request.keys, root, "Acme"), "nobody takes the name out on the way"
    kept = folder.root / f"identity.was-{before.device}"
    assert (kept / "signing.key").read_bytes() == before.signing.seed()
    assert stat.S_IMODE(folder.identity.stat().st_mode) == stat.S_IMODE(kept.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in folder.identity.iterdir()} == {0o600}


def test_new_keys_on_a_machine_without_any_are_an_ordinary_enrolment(
    folder: StateFolder, organisation: Organisation
) -> None:
    counter = Counter()
    assert with_new_keys(folder, organisation, counter).replaced is None
    assert counter.came[0][1].replaces is None


def test_a_server_that_refuses_new_keys_leaves_the_old_ones_in_force(
    folder: StateFolder, organisation: Organisation
) -> None:
    enrolled(folder, organisation)
    before = Identity.load(folder.identity)
    assert before is not None
    with pytest.raises(Refusal, match="no room"):
        with_new_keys(folder, organisation, Counter(error=Refusal("no room")))
    kept = Identity.load(folder.identity)
    assert kept is not None
    assert kept.device == before.device
    assert with_new_keys(folder, organisation, Counter()).replaced == before.device


def test_a_stop_between_old_and_new_keys_ends_with_the_new_ones(
    folder: StateFolder, organisation: Organisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    enrolled(folder, organisation)
    real = Path.replace

    def stops(self: Path, target: Path) -> Path:
        if self.name == "identity.next":
            raise OSError(5, "power cut")
        return real(self, target)

    monkeypatch.setattr(Path, "replace", stops)
    with pytest.raises(Refusal, match="could not take the place"):
        with_new_keys(folder, organisation, Counter())
    monkeypatch.undo()
    noted = device_secrets(folder.root / "identity.next", make=False)
    assert not folder.identity.exists()
    folder.make()  # as the service does when it starts
    identity = Identity.load(folder.identity)
    assert noted is not None
    assert identity is not None
    assert identity.device == noted.device


def test_a_service_goes_on_with_the_new_keys_and_keeps_what_was_before(
    folder: StateFolder, organisation: Organisation, clocks: HandClocks
) -> None:
    """The certificate of the old device is not the new one's; trust and floors stay."""
    enrolled(folder, organisation)
    before = Identity.load(folder.identity)
    assert before is not None
    database = Database(folder.database)
    store = TrustStore(database, before, clocks)
    store.accept(recipients(organisation, 4))
    store.accept_certificate(device_certificate(organisation, before))
    with_new_keys(folder, organisation, Counter())
    now = Identity.load(folder.identity)
    assert now is not None
    again = TrustStore(database, now, clocks)
    assert again.certificate is None
    assert again.trust.floors["bundle-recipients"].version == 4
    again.accept_certificate(device_certificate(organisation, now))
    assert again.certificate is not None
    database.close()


@pytest.mark.parametrize(
    ("now", "cut", "words"),
    [(NOW + 2 * DAY, None, "expired"), (NOW, 200, "damaged|not valid JSON"), (NOW, 3, "not an enrolment token")],
)
def test_wrong_tokens_are_refused_before_any_key_is_made(
    folder: StateFolder, organisation: Organisation, now: int, cut: int | None, words: str
) -> None:
    counter = Counter()
    with pytest.raises(RemoteProtocolError, match=words):
        enrol(folder, print_token(enrolment_ticket(organisation))[:cut], label="", now=now, post=counter)
    assert counter.came == []
    assert list(folder.identity.iterdir()) == []


def test_a_token_signed_by_somebody_else_is_refused(folder: StateFolder, organisation: Organisation) -> None:
    mallory = Organisation("Mallory GmbH")
    ticket = enrolment_ticket(organisation)
    forged = ticket.model_copy(
        update={"chain": ticket.chain.model_copy(update={"leaf": mallory.certifying.sign(_body(organisation))})}
    )
    with pytest.raises(RemoteProtocolError, match="signature"):
        enrol(folder, print_token(forged), label="", now=NOW, post=Counter())


def _body(organisation: Organisation):  # type: ignore[no-untyped-def]
    from tests.agent.doubles import token_body

    return token_body(organisation)


def test_a_server_that_notes_another_device_is_not_believed(folder: StateFolder, organisation: Organisation) -> None:
    with pytest.raises(RemoteProtocolError, match="another device"):
        enrolled(folder, organisation, Counter(answer="d-" + "a" * 26))
    assert Identity.load(folder.identity) is None


def test_a_full_disk_while_keys_are_written_leaves_no_half_key(
    folder: StateFolder, monkeypatch: pytest.MonkeyPatch, organisation: Organisation
) -> None:
    import errno
    import os

    real, calls = os.fsync, []

    def full(handle: int) -> None:
        calls.append(handle)
        if len(calls) == 3:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(handle)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(NotWritten, match="could not be written"):
        enrolled(folder, organisation)
    monkeypatch.undo()
    assert {file.name for file in folder.identity.iterdir()} <= {"signing.key", "noise.key"}
    assert all(file.stat().st_size == 32 for file in folder.identity.iterdir())
    enrolled(folder, organisation)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_key_file_that_others_may_read_is_refused(folder: StateFolder, organisation: Organisation, mode: int) -> None:
    enrol_in_memory(folder, organisation)
    (folder.identity / "signing.key").chmod(mode)
    with pytest.raises(Refusal, match="not private"):
        Identity.load(folder.identity)


def test_a_link_in_place_of_a_key_is_refused(folder: StateFolder, organisation: Organisation, tmp_path: Path) -> None:
    enrol_in_memory(folder, organisation)
    key = folder.identity / "noise.key"
    key.rename(tmp_path / "elsewhere")
    key.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Refusal, match="cannot be read"):
        Identity.load(folder.identity)


def test_half_an_identity_is_refused_and_never_completed_with_new_keys(
    folder: StateFolder, organisation: Organisation
) -> None:
    enrol_in_memory(folder, organisation)
    (folder.identity / "signing.key").unlink()
    with pytest.raises(Refusal, match="keys are not there"):
        Identity.load(folder.identity)


def test_any_flipped_bit_in_the_pin_is_found(folder: StateFolder, organisation: Organisation) -> None:
    enrol_in_memory(folder, organisation)
    file = folder.identity / "enrolment.json"
    whole = file.read_bytes()
    accepted = 0
    for at in range(0, len(whole), 37):
        flipped = bytearray(whole)
        flipped[at] ^= 4
        key_files.write_private(file, bytes(flipped))
        try:
            identity = Identity.load(folder.identity)
        except RemoteProtocolError:
            continue
        # A keyid is a hint that no signature covers; nothing that decides may differ.
        assert identity is not None
        assert identity.root_key == organisation.root.verify_key
        accepted += 1
    assert accepted <= 3


def test_a_pseudonym_is_the_devices_own(identity: Identity) -> None:
    mine = identity.pseudonym("disk:/home/anna")
    assert mine == identity.pseudonym("disk:/home/anna")
    assert mine != identity.pseudonym("disk:/home/bob")
    assert mine != replace(identity, secret=seed("another device")).pseudonym("disk:/home/anna")
    assert len(mine) == 16


def test_the_organisations_policy_moves_server_and_log(identity: Identity, organisation: Organisation) -> None:
    from protocol.certificates import OrganisationPolicy

    policy = OrganisationPolicy(
        root=organisation.root_hash,
        version=1,
        issued_at=NOW,
        not_after=NOW + DAY,
        organisation=organisation.name,
        server_origin="https://new.example",
        log_name="new.example/log",
        log_key=seed("new log"),
    )
    moved = identity.following(policy)
    assert (moved.origin, moved.log_verifier.name) == ("https://new.example", "new.example/log")
    assert identity.following(None) == identity
    before_this_enrolment = policy.model_copy(update={"issued_at": identity.token.issued_at - 1})
    assert identity.following(before_this_enrolment) == identity

"""Forgeries of every type of statement, by mutation: of its bytes, its words, its signature, its keys, its type.

Each begins with a genuine statement of its type (genuine.py) and is given to the very check its readers use. And the
other way round: words that are no statement, signed by the very key that may. Then whole chains, against `Trust`.
"""

import base64
import json
import random
from collections.abc import Callable

import pytest

from protocol.certificates import Chain, Document, IssuerRole
from protocol.errors import RemoteProtocolError
from protocol.statements import Envelope, Signature, SigningKey, Statement, StatementName
from tests.hostile.genuine import NEXT_ROOT, as_signed, checked, genuine
from tests.hostile.papers import KINDS, paper
from tests.making import NOW, Organisation, signing_key
from tests.protocol.visits import ORG

#: In all; `make soak` takes the second number.
FORGERIES, SOAK_FORGERIES = 2_000, 20_000
CHAINS, SOAK_CHAINS = 500, 20_000
THIEF = signing_key("a thief")
Forge = Callable[[random.Random, Envelope], bytes]


def test_there_is_a_genuine_statement_of_every_type() -> None:
    assert set(genuine()) == set(StatementName)
    for name in StatementName:
        assert checked(Envelope.parse(as_signed(name).to_bytes()), name).body == genuine()[name][0]


# --- forgeries -------------------------------------------------------------------------------------------------------


def bits(rng: random.Random, envelope: Envelope) -> bytes:
    """One to three bits of what travels."""
    data = bytearray(envelope.to_bytes())
    for _ in range(rng.randint(1, 3)):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return bytes(data)


def resigned(envelope: Envelope, payload: bytes, sig: Callable[[bytes], bytes]) -> bytes:
    signatures = tuple(each.model_copy(update={"sig": sig(each.sig)}) for each in envelope.signatures)
    return envelope.model_copy(update={"payload": payload, "signatures": signatures}).to_bytes()


def other_words(rng: random.Random, envelope: Envelope) -> bytes:
    """One field says something else; the signature is the old one."""
    body = json.loads(envelope.payload)
    name = rng.choice(sorted(body))
    body[name] = _another(rng, body[name])
    return resigned(envelope, json.dumps(body, separators=(",", ":")).encode(), lambda sig: sig)


def _another(rng: random.Random, value: object) -> object:
    match value:
        case bool():
            return not value
        case int():
            return value + rng.choice((-1, 1, 1 << 20))
        case str():
            return value[::-1] + "x" if value else "x"
        case list():
            return value[1:] if value else ["terminal"]
        case dict():
            return {**value, "more": 1}
        case _:
            return "01890a5d-ac96-7745-bcce-b302099a8057"


def signed_by_a_thief(rng: random.Random, envelope: Envelope) -> bytes:
    """Other words, validly signed, under the name of the key that should have."""
    body = json.loads(envelope.payload)
    name = rng.choice(sorted(body))
    body[name] = _another(rng, body[name])
    return _by(THIEF, envelope, json.dumps(body).encode())


def the_same_words_by_a_thief(rng: random.Random, envelope: Envelope) -> bytes:
    return _by(THIEF, envelope, envelope.payload)


def _by(key: SigningKey, envelope: Envelope, payload: bytes) -> bytes:
    theirs = key.sign(raw(envelope, payload)).signatures[0].sig
    return resigned(envelope, payload, lambda sig: theirs)


def raw(envelope: Envelope, words: bytes) -> Statement:
    """A body of this type that consists of any bytes at all."""
    name = StatementName(envelope.payloadType.removeprefix("application/vnd.bellpull.").removesuffix(".v1+json"))

    class Raw(Statement):
        statement_name = name
        max_bytes = 8 << 20

        def payload(self) -> bytes:
            return words

    return Raw()


def another_signature(rng: random.Random, envelope: Envelope) -> bytes:
    """Genuine, of the same key or another, over something else."""
    other = as_signed(rng.choice([name for name in StatementName if name.payload_type != envelope.payloadType]))
    return resigned(envelope, envelope.payload, lambda sig: other.signatures[0].sig)


def bent_signature(rng: random.Random, envelope: Envelope) -> bytes:
    bend: Callable[[bytes], bytes] = rng.choice((
        lambda sig: sig[:-1], lambda sig: sig + b"\0", lambda sig: b"", lambda sig: bytes(64), lambda sig: sig * 2,
        lambda sig: sig[32:] + sig[:32], lambda sig: sig[:32] + bytes(32), lambda sig: bytes(32) + sig[32:],
        lambda sig: sig[:32] + _plus_order(sig[32:]),
    ))  # fmt: skip
    return resigned(envelope, envelope.payload, bend)


def _plus_order(scalar: bytes) -> bytes:
    """The same scalar modulo the group's order: a second spelling of a signature, where a library is careless."""
    order = 2**252 + 27742317777372353535851937790883648493
    return (int.from_bytes(scalar, "little") + order).to_bytes(32, "little")


def relabelled(rng: random.Random, envelope: Envelope) -> bytes:
    """Another statement's words and signature, under this type's name."""
    other = as_signed(rng.choice([name for name in StatementName if name.payload_type != envelope.payloadType]))
    return other.model_copy(update={"payloadType": envelope.payloadType}).to_bytes()


def other_count(rng: random.Random, envelope: Envelope) -> bytes:
    """A signature more, or all of them twice, or one under a second name."""
    first = envelope.signatures[0]
    theirs = Signature(keyid=THIEF.verify_key.key_id, sig=THIEF.sign(raw(envelope, envelope.payload)).signatures[0].sig)
    signatures = rng.choice([(first, first), (first, theirs), (theirs, first), (theirs,), (theirs, theirs)])
    return envelope.model_copy(update={"signatures": signatures}).to_bytes()


def other_spelling(rng: random.Random, envelope: Envelope) -> bytes:
    """The same envelope as no writer of ours spells it."""
    text = envelope.to_bytes().decode()
    found = json.loads(text)
    payload = found["payload"]
    padded = payload.rstrip("=")
    spelled = rng.choice((
        padded if padded != payload else payload + "=",
        payload + "\n",
        " " + payload,
        payload[:-4] + "\n" + payload[-4:],
        base64.urlsafe_b64encode(b"\xfb\xff\xfe" + envelope.payload).decode(),
    ))  # fmt: skip
    return rng.choice((
        json.dumps({**found, "payload": spelled}).encode(),
        json.dumps({**found, "more": 1}).encode(),
        text.replace('{"payloadType"', '{"payload":"AAAA","payloadType"', 1).encode(),
        (text[:-1] + ',"payloadType":"application/vnd.bellpull.grant.v1+json"}').encode(),
        text.encode("utf-16"),
        b"\xef\xbb\xbf" + text.encode(),
        text.encode() + b" {}",
        json.dumps([found]).encode(),
    ))  # fmt: skip


FORGES: tuple[Forge, ...] = (
    bits, bits, other_words, other_words, signed_by_a_thief, the_same_words_by_a_thief, another_signature,
    bent_signature, relabelled, other_count, other_spelling,
)  # fmt: skip


def test_no_forgery_of_any_statement_is_one(soak: bool) -> None:
    """Refused, or (bits of white space or of a key's mere name) the very same words under the very same signature."""
    rng = random.Random("forged statements")
    names = list(StatementName)
    signed = {name: as_signed(name) for name in names}
    count = SOAK_FORGERIES if soak else FORGERIES
    refused = 0
    for number in range(count):
        name, forge = names[number % len(names)], FORGES[number // len(names) % len(FORGES)]
        data = forge(rng, signed[name])
        try:
            found = checked(Envelope.parse(data), name)
        except RemoteProtocolError:
            refused += 1
            continue
        assert forge is bits, f"number {number}: {forge.__name__} of {name}"
        assert found.envelope.payload == signed[name].payload
        assert [each.sig for each in found.envelope.signatures] == [each.sig for each in signed[name].signatures]
    assert refused > count * 0.95


# --- words that are none, by the right key ---------------------------------------------------------------------------


def misspellings(payload: bytes) -> dict[str, bytes]:
    body = json.loads(payload)
    name, value = next(iter(body.items()))
    number = next((key for key, each in body.items() if type(each) is int), None)
    found = {
        "nothing": b"",
        "null": b"null",
        "a list": b"[" + payload + b"]",
        "a field twice": payload[:-1] + f",{json.dumps(name)}:{json.dumps(value)}".encode() + b"}",
        "a field more": payload[:-1] + b',"and_more":1}',
        "a field less": json.dumps({key: each for key, each in body.items() if key != name}).encode(),
        "a byte order mark": b"\xef\xbb\xbf" + payload,
        "another encoding": payload.decode().encode("utf-16"),
        "not UTF-8": payload[:-1] + b',"x":"\xff"}',
        "overlong UTF-8": payload[:-1] + b',"x":"\xc0\xaf"}',
        "half a surrogate": payload[:-1] + b',"x":"\\ud800"}',
        "something after": payload + b"{}",
        "cut off": payload[:-1],
        "a comment": payload + b"//",
        "deep": payload[:-1] + b',"x":' + b"[" * 20 + b"]" * 20 + b"}",
        "NaN": payload[:-1] + b',"x":NaN}',
        "too long": payload[:-1] + b',"x":"' + b"x" * (2 << 20) + b'"}',
    }
    if number is not None:
        numbers = {"a float": float(body[number]), "a text": str(body[number]), "too big": 1 << 70, "nothing": None}
        for what, bent in numbers.items():
            found[f"a number as {what}"] = json.dumps({**body, number: bent}).encode()
    return found


@pytest.mark.parametrize("name", StatementName)
def test_the_right_key_over_words_that_are_no_statement_is_refused(name: StatementName) -> None:
    envelope = as_signed(name)
    _, signer = genuine()[name]
    for how, words in misspellings(envelope.payload).items():
        offered = signer.sign(raw(envelope, words))
        if name is StatementName.ROOT_ROTATION:
            offered = NEXT_ROOT.add_signature(offered)
        with pytest.raises(RemoteProtocolError):
            pytest.fail(f"{how}: {checked(offered, name).body}")


# --- chains ----------------------------------------------------------------------------------------------------------

OTHER = Organisation("Other Ltd")


def chains() -> dict[str, tuple[Chain, Callable[[Chain], object]]]:
    """Everything that hangs from the root by an issuer, with the check of its readers."""
    documents = [paper(ORG, kind, 1) for kind in KINDS]
    found: dict[str, tuple[Chain, Callable[[Chain], object]]] = {
        "technician": (ORG.technician(), lambda chain: ORG.trust.technician(chain, NOW)),
        "device": (ORG.device(), lambda chain: ORG.trust.device(chain, NOW)),
    }
    for document in documents:
        if document.issuer is not None:
            found[document.statement.payloadType] = (
                Chain(issuer=document.issuer, leaf=document.statement),
                lambda chain: ORG.trust.accept(Document(issuer=chain.issuer, statement=chain.leaf), NOW),
            )
    return found


FOREIGN = (
    OTHER.issuer(), OTHER.issuer(IssuerRole.CONTENT), ORG.issuer(IssuerRole.CONTENT), ORG.issuer(),
    OTHER.technician().leaf, ORG.device().leaf, ORG.technician().leaf, ORG.issuer(not_after=NOW - 1),
    ORG.issuer(not_before=NOW + 1), ORG.issuer(signs=()), ORG.issuer(root=OTHER.root_hash),
    ORG.issuer(key=THIEF.public, serial="0" * 32), ORG.certifying.sign(raw(ORG.issuer(), ORG.issuer().payload)),
)  # fmt: skip


def test_no_forged_chain_is_believed(soak: bool) -> None:
    """The issuer, or the leaf, or both: forged, borrowed from elsewhere, or in each other's place."""
    rng = random.Random("forged chains")
    count = SOAK_CHAINS if soak else CHAINS
    genuine_chains = list(chains().values())
    for chain, check in genuine_chains:
        check(chain)
    refused = 0
    for number in range(count):
        chain, check = genuine_chains[number % len(genuine_chains)]
        forge = FORGES[number // len(genuine_chains) % len(FORGES)]
        try:
            match rng.randrange(4):
                case 0:
                    forged = chain.model_copy(update={"leaf": Envelope.parse(forge(rng, chain.leaf))})
                case 1:
                    forged = chain.model_copy(update={"issuer": Envelope.parse(forge(rng, chain.issuer))})
                case 2:
                    other = rng.choice([each for each in FOREIGN if each.payload != chain.issuer.payload])
                    forged = chain.model_copy(update={"issuer": other})
                case _:
                    theirs = THIEF.sign(raw(chain.leaf, chain.leaf.payload))
                    forged = rng.choice((
                        chain.model_copy(update={"leaf": theirs}), Chain(issuer=chain.leaf, leaf=chain.issuer),
                        Chain(issuer=chain.leaf, leaf=chain.leaf), Chain(issuer=chain.issuer, leaf=chain.issuer),
                        Chain(issuer=theirs, leaf=theirs), chain.model_copy(update={"issuer": OTHER.issuer()}),
                    ))  # fmt: skip
            check(forged)
        except RemoteProtocolError:
            refused += 1
            continue
        assert forge is bits, f"number {number}: {forge.__name__} of {chain.leaf.payloadType}"
        assert (forged.leaf.payload, forged.issuer.payload) == (chain.leaf.payload, chain.issuer.payload)
    assert refused > count * 0.95

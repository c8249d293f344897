from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from agent.uuid7 import uuid7, uuid7_from
from protocol.fields import Uuid

_UUID: TypeAdapter[str] = TypeAdapter(Uuid)


def test_the_example_of_rfc_9562_appendix_a6() -> None:
    # 2022-02-22 14:22:22 UTC-5, rand_a 0xCC3, rand_b 0x18C4DC0C0C07398F
    random = (0x0CC3).to_bytes(2, "big") + (0x18C4DC0C0C07398F).to_bytes(8, "big")
    assert uuid7_from(1645557742000, random) == "017f22e2-79b0-7cc3-98c4-dc0c0c07398f"


@settings(deadline=None, derandomize=True, max_examples=200)
@given(st.integers(0, (1 << 48) - 1), st.binary(min_size=10, max_size=10))
def test_every_id_is_one_that_the_wire_takes(unix_ms: int, random: bytes) -> None:
    assert _UUID.validate_python(uuid7_from(unix_ms, random))[14] == "7"


def test_later_ids_sort_later() -> None:
    assert uuid7_from(1, bytes(10)) < uuid7_from(2, bytes(10)) < uuid7_from(1 << 47, bytes(10))


def test_ids_differ() -> None:
    assert len({uuid7() for _ in range(1000)}) == 1000

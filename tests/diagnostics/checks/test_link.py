"""Check 35: an address, a way out, a gateway that answers."""

from collections.abc import Callable

import pytest

from diagnostics.checks.contract import Context
from diagnostics.checks.link import check_link
from diagnostics.machine.interface import Unreadable
from diagnostics.observations import Interface, Network, Route
from diagnostics.system_observations import Neighbour, Neighbours

ROUTE = Route("default", "192.168.1.1", "eth0", 100)


def card(name: str, *addresses: str, up: bool = True) -> Interface:
    return Interface(name, up, addresses, "00:1a", 1500, 0, 0, 0, 0)


def codes(context: Context, cards: list[Interface], *routes: Route, states: tuple[str, ...] = ()) -> list[str]:
    network = Network((card("lo", "127.0.0.1/8"), *cards), routes, (), ())
    neighbours = Neighbours((Neighbour("192.168.1.1", "eth0", states),)) if states else None
    return [finding.code for finding in check_link(network, neighbours, context).findings]


@pytest.mark.parametrize(
    ("cards", "routes", "states", "expected"),
    [
        ([card("eth0", "192.168.1.7/24")], [ROUTE], ("REACHABLE",), []),
        ([card("eth0", "192.168.1.7/24")], [ROUTE], ("STALE",), []),
        ([card("eth0", "192.168.1.7/24")], [ROUTE], ("FAILED",), ["gateway-not-answering"]),
        ([card("eth0", "192.168.1.7/24")], [], (), ["network-without-way-out"]),
        ([card("eth0", "169.254.3.4/16", "fe80::1/64")], [], (), ["link-without-address"]),
        ([card("eth0", "169.254.3.4/16", "2001:db8::7/64")], [ROUTE], (), []),
        ([card("eth0", up=False)], [], (), []),  # on the road
        ([card("docker0", "172.17.0.1/16"), card("veth12", "169.254.9.9/16")], [], (), []),
    ],
)
def test_what_the_machine_itself_knows(
    cards: list[Interface],
    routes: list[Route],
    states: tuple[str, ...],
    expected: list[str],
    context: Callable[..., Context],
) -> None:
    assert codes(context(), cards, *routes, states=states) == expected


def test_without_addresses_nothing_is_judged(context: Callable[..., Context]) -> None:
    with pytest.raises(Unreadable, match="no network card has an address"):
        check_link(Network((card("eth0"),), (ROUTE,), (), ()), None, context())

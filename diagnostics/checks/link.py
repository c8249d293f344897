"""Check 35: is there a network to talk over: a link, an address, a way out that answers?

Only what the machine itself knows: nothing is sent. A laptop without any network at all is on the road, not broken;
one whose link is up and that got no address is.
"""

from __future__ import annotations

from diagnostics.checks.contract import CheckSpec, Context, Outcome, Seen, evidence, raised, rule
from diagnostics.collectors.contract import ALL_PLATFORMS, Cost
from diagnostics.collectors.network import NETWORK
from diagnostics.collectors.sockets import NEIGHBOURS
from diagnostics.findings import Finding, Severity
from diagnostics.machine.interface import Unreadable
from diagnostics.observations import Interface, Network
from diagnostics.system_observations import Neighbours
from diagnostics.wording import Words

NO_ADDRESS, NO_ROUTE, SILENT = "link-without-address", "network-without-way-out", "gateway-not-answering"
# Made by programs: they are up without being a way to anywhere.
_VIRTUAL = ("lo", "veth", "br-", "docker", "cni", "flannel", "virbr", "vnet", "tap", "tun", "wg", "ifb", "dummy")


def is_real(interface: Interface) -> bool:
    return not interface.name.startswith(_VIRTUAL) and interface.up


def usable_addresses(interface: Interface) -> tuple[str, ...]:
    """Without those a machine gives itself when nobody answers (RFC 3927, RFC 4291)."""
    return tuple(item for item in interface.addresses if not item.lower().startswith(("169.254.", "fe80:")))


def check_link(network: Network, neighbours: Neighbours | None, context: Context) -> Outcome:
    findings: list[Finding] = []

    def add(code: str, instance: str, severity: Severity, facts: dict[str, str], shown: str) -> None:
        proof = (evidence("ip", instance, shown),)
        findings.append(raised(code, instance, severity, rule=SPEC.rule, now=context.now, facts=facts, proof=proof))

    if not any(interface.addresses for interface in network.interfaces):
        raise Unreadable("no network card has an address here, or only their names can be read")
    real = [interface for interface in network.interfaces if is_real(interface)]
    routes = [route for route in network.routes if route.destination == "default"]
    for interface in real:
        if interface.addresses and not usable_addresses(interface):
            shown = f"{interface.name} is up with {', '.join(interface.addresses)} only"
            add(NO_ADDRESS, f"interface:{interface.name}", Severity.ERROR, {"interface": interface.name}, shown)
    if any(usable_addresses(interface) for interface in real) and not routes:
        add(NO_ROUTE, "network", Severity.WARNING, {}, "an address and no default route")
    for route in routes:
        states = {
            item.address: item.states
            for item in (neighbours.neighbours if neighbours else ())
            if item.interface == route.interface
        }
        if "FAILED" in states.get(route.gateway, ()):
            facts = {"gateway": route.gateway, "interface": route.interface}
            shown = f"{route.gateway} on {route.interface}: FAILED"
            add(SILENT, f"gateway:{route.gateway}", Severity.ERROR, facts, shown)
    return Outcome(tuple(findings))


def _judge(seen: Seen, context: Context) -> Outcome:
    try:
        neighbours = seen.of(NEIGHBOURS)
    except Unreadable:
        neighbours = None
    return check_link(seen.of(NETWORK), neighbours, context)


SPEC = CheckSpec(
    id="link",
    number=35,
    version=1,
    title="Link, address and way out",
    needs=(NETWORK,),
    wishes=(NEIGHBOURS,),
    judge=_judge,
    codes={
        NO_ADDRESS: rule(
            Words(
                "The network gives this computer no address",
                "{interface} is connected, but the network gave it no address. Restarting the router, or connecting "
                "again, often helps.",
            ),
            Words(
                "Сеть не выдаёт компьютеру адрес",
                "{interface} подключён, но сеть не выдала ему адрес. Часто помогает перезапустить роутер или "
                "подключиться заново.",
            ),
            after_s=5 * 60,
            looks=2,
            why="5 min: a router that starts takes that long",
        ),
        NO_ROUTE: rule(
            Words(
                "There is no way out of this network",
                "This computer has an address, but nobody told it the way to the internet. Connecting again often "
                "helps.",
            ),
            Words(
                "Из этой сети нет выхода",
                "У компьютера есть адрес, но путь в интернет ему не сообщили. Часто помогает подключиться заново.",
            ),
            after_s=10 * 60,
            looks=2,
            why="10 min: networks without a way out exist on purpose; a lost lease is renewed by then",
        ),
        SILENT: rule(
            Words(
                "The router does not answer",
                "The way to the internet goes over {gateway}, and it does not answer. Check its power and the cable or "
                "Wi-Fi to it.",
            ),
            Words(
                "Роутер не отвечает",
                "Путь в интернет лежит через {gateway}, и он не отвечает. Проверьте его питание и кабель или Wi-Fi.",
            ),
            after_s=5 * 60,
            looks=2,
            why="5 min: a router that starts takes that long",
        ),
    },
    interval_s=300,
    interval_on_windows_s=1800,
    cost=Cost.MODERATE,
    timeout_s=15,
    platforms=ALL_PLATFORMS,
)

"""A connected agent that has nothing to do: what every customer's machine carries all day.

A real server, an enrolled and certified agent started anew, its link up and its first look behind it; then nobody
touches it for ten minutes, in which its own schedule looks at the machine. Its processor time comes from its CPU clock;
that of its children (those looks) is told apart, and both together have the aim. Beside it, over the same minutes, two
agents of others (peers.py). After that a day of looks is run through it, to see what stays. At last the same agent
behind TLS, as a customer's is: with every authority this system trusts read from one file, which not every system does.
"""

import time
from collections.abc import Sequence

from technician.demo.programs import wait_until
from tests.benchmarks.contract import Row, percentile, spread
from tests.benchmarks.peers import Absent, Peer, peers
from tests.benchmarks.spending import Held, children_cpu_s, held, own_cpu_s
from tests.benchmarks.world import World, world

_RSS_AIM_MB = 50.0
_CPU_AIM_PERCENT = 0.2
_RSS_AFTER_USE_AIM_MB = 60.0
_SAMPLE_S = 1.0
#: The start is over, and the keeping small (agent/staying_small.py) has come round.
_SETTLED_S = 15.0
_TLS_WINDOW_S = 75.0
_LOOKS_A_DAY = 288
_PREVIEWS = 3


def run(quick: bool) -> list[Row]:
    window_s, looks, previews = (90.0, 12, 1) if quick else (600.0, _LOOKS_A_DAY, _PREVIEWS)
    with world() as made, peers() as found:
        _first_look(made)
        agent = _Watched(made.agent.process.pid)
        others = [(peer, _Watched(peer.pid)) for peer in found if isinstance(peer, Peer)]
        _wait(window_s, [agent, *(watched for _, watched in others)], [peer for peer, _ in others])
        rows = _agent_rows(agent, window_s)
        rows += [row for peer, watched in others for row in _peer_rows(peer, watched, agent)]
        rows += [_absent(peer) for peer in found if isinstance(peer, Absent)]
        rows.append(_after_use(made, looks, previews))
    return [*rows, _with_tls()]


class _Watched:
    """One process over a window of time."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.samples: list[Held] = []
        self.percent = (0.0, 0.0)
        self._own_s, self._children_s, self._began = own_cpu_s(pid), children_cpu_s(pid), time.monotonic()

    def sample(self) -> None:
        self.samples.append(held(self.pid))

    def stop(self) -> None:
        """Of one core: its own threads, and its children that have ended."""
        passed_s = time.monotonic() - self._began
        own_s, children_s = own_cpu_s(self.pid) - self._own_s, children_cpu_s(self.pid) - self._children_s
        self.percent = 100 * own_s / passed_s, 100 * children_s / passed_s


def _first_look(made: World) -> None:
    looked = wait_until(
        "the first look", lambda: made.local("status")["health"]["looked_at"], within_s=60, service=made.agent
    )
    assert looked
    made.settle()
    time.sleep(_SETTLED_S)


def _wait(window_s: float, watched: list[_Watched], asked: Sequence[Peer]) -> None:
    until = time.monotonic() + window_s
    while time.monotonic() < until:
        for peer in asked:
            peer.ask_when_due()
        for each in watched:
            each.sample()
        time.sleep(_SAMPLE_S)
    for each in watched:
        each.stop()


def _agent_rows(agent: _Watched, window_s: float) -> list[Row]:
    rss, pss = [each.rss_bytes / 1e6 for each in agent.samples], [each.pss_bytes / 1e6 for each in agent.samples]
    private = percentile([each.private_bytes / 1e6 for each in agent.samples], 0.5)
    own, children = agent.percent
    over = f"over {window_s:.0f} s"
    return [
        Row(
            "agent, resident memory",
            max(rss),
            "MB",
            _RSS_AIM_MB,
            detail=f"{spread(rss, 'MB', digits=1)}, {over}",
        ),
        Row(
            "agent, its share of it (PSS)",
            percentile(pss, 0.5),
            "MB",
            detail=f"private {private:.1f} MB; the rest is files that other programs have mapped, too",
        ),
        Row(
            "agent with its looks, processor",
            own + children,
            "% of a core",
            _CPU_AIM_PERCENT,
            detail=f"the service {own:.3f}, its children {children:.3f}, {over}",
        ),
    ]


def _after_use(made: World, looks: int, previews: int) -> Row:
    """What stays in the service after a day of looks and some bundles: its children did the work."""
    for _ in range(looks):
        made.local("check-now")
    for _ in range(previews):
        made.local("ask-drop", preview=made.local("ask-preview")["preview"])
    made.settle()
    more = f"{looks / _LOOKS_A_DAY * 24:.0f} hours of looks and {previews} prepared bundles"
    return _memory(f"agent, resident memory after {looks} looks", made, more, _RSS_AFTER_USE_AIM_MB)


def _with_tls() -> Row:
    with world(tls=True) as made:
        _first_look(made)
        time.sleep(_TLS_WINDOW_S)
        return _memory("agent behind TLS, resident memory", made, "connected, idle", _RSS_AIM_MB)


def _memory(what: str, made: World, more: str, aim_mb: float) -> Row:
    now = held(made.agent.process.pid)
    detail = f"{more}; PSS {now.pss_bytes / 1e6:.1f} MB, private {now.private_bytes / 1e6:.1f} MB"
    return Row(what, now.rss_bytes / 1e6, "MB", aim_mb, detail=detail)


def _peer_rows(peer: Peer, watched: _Watched, ours: _Watched) -> list[Row]:
    rss, own_rss = [each.rss_bytes / 1e6 for each in watched.samples], [each.rss_bytes / 1e6 for each in ours.samples]
    (own, children), (our_own, our_children) = watched.percent, ours.percent
    return [
        Row(
            f"peer: {peer.name}, resident memory",
            percentile(rss, 0.5),
            "MB",
            detail=f"{spread(rss, 'MB', digits=1)}; ours to it: {percentile(own_rss, 0.5) / percentile(rss, 0.5):.2f}",
        ),
        Row(
            f"peer: {peer.name}, processor",
            own + children,
            "% of a core",
            detail=f"asked every {peer.every_s:.0f} s; ours, looks and all, to it: "
            f"{(our_own + our_children) / max(own + children, 0.001):.2f}",
        ),
    ]


def _absent(peer: Absent) -> Row:
    return Row(f"peer: {peer.name}", None, "MB", detail=f"peer absent: {peer.install}")

"""A connected agent that has nothing to do: what every customer's machine carries all day.

A real server, an enrolled and certified agent started anew, its link up and its first look behind it; then nobody
touches it. Its own processor time comes from its CPU clock; that of its children (the looks of its schedule) is told
apart. After that a day of looks is run through it, to see what stays. The peer, where it is installed, is Debian's
prometheus-node-exporter over the same minutes, scraped every 15 s as its users do. At last the same agent behind TLS,
as a customer's is: with every authority this system trusts read from one file, which not every system does.
"""

import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

from technician.demo.programs import wait_until
from technician.demo.tap import LOOPBACK, free_port
from tests.benchmarks.contract import Row, percentile, spread
from tests.benchmarks.spending import Held, children_cpu_s, held, own_cpu_s
from tests.benchmarks.world import World, world

_RSS_AIM_MB = 60.0
_CPU_AIM_PERCENT = 0.3
_SAMPLE_S = 1.0
_SCRAPE_S = 15.0
_TLS_WINDOW_S = 10.0
_LOOKS_A_DAY = 288
_PREVIEWS = 3
_PEER = "prometheus-node-exporter"


def run(quick: bool) -> list[Row]:
    window_s, looks, previews = (30.0, 12, 1) if quick else (300.0, _LOOKS_A_DAY, _PREVIEWS)
    with world() as made, _peer() as peer:
        _first_look(made)
        pids = [made.agent.process.pid, *([peer.process.pid] if peer else [])]
        watched = [_Watched(pid) for pid in pids]
        _wait(window_s, watched, peer)
        rows = _agent_rows(watched[0], window_s)
        rows += _peer_rows(watched[1]) if peer else [_absent()]
        rows.append(_after_use(made, looks, previews))
    return [*rows, _with_tls()]


class _Watched:
    """One process over a window of time."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.samples: list[Held] = []
        self._own_s, self._children_s, self._began = own_cpu_s(pid), children_cpu_s(pid), time.monotonic()

    def sample(self) -> None:
        self.samples.append(held(self.pid))

    def percent(self) -> tuple[float, float]:
        """Of one core: its own threads, and its children that have ended."""
        passed_s = time.monotonic() - self._began
        own_s, children_s = own_cpu_s(self.pid) - self._own_s, children_cpu_s(self.pid) - self._children_s
        return 100 * own_s / passed_s, 100 * children_s / passed_s


def _first_look(made: World) -> None:
    looked = wait_until(
        "the first look", lambda: made.local("status")["health"]["looked_at"], within_s=60, service=made.agent
    )
    assert looked
    made.settle()


def _wait(window_s: float, watched: list[_Watched], peer: "_Peer | None") -> None:
    until = time.monotonic() + window_s
    scrape_at = 0.0
    while time.monotonic() < until:
        if peer and time.monotonic() >= scrape_at:
            peer.scrape()
            scrape_at = time.monotonic() + _SCRAPE_S
        for each in watched:
            each.sample()
        time.sleep(_SAMPLE_S)


def _agent_rows(agent: _Watched, window_s: float) -> list[Row]:
    rss, pss = [each.rss_bytes / 1e6 for each in agent.samples], [each.pss_bytes / 1e6 for each in agent.samples]
    private = percentile([each.private_bytes / 1e6 for each in agent.samples], 0.5)
    own, children = agent.percent()
    over = f"over {window_s:.0f} s"
    return [
        Row("agent, resident memory", max(rss), "MB", _RSS_AIM_MB, detail=f"{spread(rss, 'MB', digits=1)}, {over}"),
        Row(
            "agent, its share of it (PSS)",
            percentile(pss, 0.5),
            "MB",
            detail=f"private {private:.1f} MB; the rest is files that other programs have mapped, too",
        ),
        Row("agent, processor", own, "% of a core", _CPU_AIM_PERCENT, detail=over),
        Row(
            "agent's children, processor", children, "% of a core", detail=f"looks that fell into these minutes, {over}"
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
    return _memory(f"agent, resident memory after {looks} looks", made, more)


def _with_tls() -> Row:
    with world(tls=True) as made:
        _first_look(made)
        time.sleep(_TLS_WINDOW_S)
        return _memory("agent behind TLS, resident memory", made, "connected, idle")


def _memory(what: str, made: World, more: str) -> Row:
    now = held(made.agent.process.pid)
    detail = f"{more}; PSS {now.pss_bytes / 1e6:.1f} MB, private {now.private_bytes / 1e6:.1f} MB"
    return Row(what, now.rss_bytes / 1e6, "MB", _RSS_AIM_MB, detail=detail)


class _Peer:
    def __init__(self, process: "subprocess.Popen[bytes]", address: str) -> None:
        self.process = process
        self._url = f"http://{address}/metrics"

    def scrape(self) -> int:
        with urllib.request.urlopen(self._url, timeout=10) as answer:  # noqa: S310 - loopback
            return len(answer.read())

    def answers(self) -> bool | None:
        try:
            return self.scrape() > 0
        except urllib.error.URLError:
            return None


@contextmanager
def _peer() -> Iterator[_Peer | None]:
    program = shutil.which(_PEER)
    if program is None:
        yield None
        return
    address = f"{LOOPBACK}:{free_port()}"
    argv = [program, f"--web.listen-address={address}"]
    process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        peer = _Peer(process, address)
        wait_until(f"{_PEER} to answer", peer.answers, within_s=20)
        yield peer
    finally:
        process.terminate()
        process.wait(10)


def _peer_rows(peer: _Watched) -> list[Row]:
    rss = [each.rss_bytes / 1e6 for each in peer.samples]
    own, _ = peer.percent()
    return [
        Row(f"peer: {_PEER}, resident memory", max(rss), "MB", detail=spread(rss, "MB", digits=1)),
        Row(f"peer: {_PEER}, processor", own, "% of a core", detail=f"scraped every {_SCRAPE_S:.0f} s"),
    ]


def _absent() -> Row:
    return Row(f"peer: {_PEER}", None, "MB", detail=f"peer absent: no `{_PEER}` on the PATH")

"""Check 38: is there a way out, or does a sign-in page stand before it?

The owner's own address has to answer 204. A redirection or a page in its place is the network's sign-in (hotels,
trains); no answer at all is no way out. It asks directly: where only a proxy leads out, leave the probe unset.
"""

from __future__ import annotations

from diagnostics.checks import dns, link
from diagnostics.checks.contract import Cause, CheckSpec, Context, Metric, Outcome, Seen, evidence, raised, rule
from diagnostics.collectors.contract import Cost
from diagnostics.collectors.portal import PORTAL
from diagnostics.findings import Severity
from diagnostics.machine.interface import Unreadable
from diagnostics.system_observations import PortalProbe
from diagnostics.wording import Words

BEHIND, UNREACHABLE = "captive-portal", "internet-unreachable"
_EXPECTED = 204
# A page, a redirection, or "network authentication required" (RFC 6585).
_PORTAL_ANSWERS = frozenset({200, 301, 302, 303, 307, 308, 511})


def check_internet(probe: PortalProbe, context: Context) -> Outcome:
    """Raises Unreadable on an answer that is neither: the address itself is wrong, which judges no network."""
    metrics = (Metric("internet.reachable", 1.0 if probe.status == _EXPECTED else 0.0),)
    if probe.status == _EXPECTED:
        return Outcome((), metrics)
    if probe.status == 0:
        finding = raised(
            UNREACHABLE,
            "internet",
            Severity.WARNING,
            rule=SPEC.rule,
            now=context.now,
            facts={"host": probe.host, "error": probe.error},
            proof=(evidence("http", probe.host, probe.error),),
        )
        return Outcome((finding,), metrics)
    if probe.status not in _PORTAL_ANSWERS:
        raise Unreadable(f"{probe.host} answered {probe.status} where 204 was expected")
    sent = probe.location_host or "a page of its own"
    finding = raised(
        BEHIND,
        "internet",
        Severity.WARNING,
        rule=SPEC.rule,
        now=context.now,
        facts={"host": probe.host, "status": probe.status, "portal": sent},
        proof=(evidence("http", probe.host, f"answered {probe.status}, leads to {sent}"),),
    )
    return Outcome((finding,), metrics)


def _judge(seen: Seen, context: Context) -> Outcome:
    return check_internet(seen.of(PORTAL), context)


SPEC = CheckSpec(
    id="internet",
    number=38,
    version=1,
    title="The way to the internet",
    needs=(PORTAL,),
    judge=_judge,
    codes={
        BEHIND: rule(
            Words(
                "The network wants you to sign in",
                "This network answers with a page of its own. Open a browser and sign in there; nothing else gets out "
                "before.",
            ),
            Words(
                "Сеть требует входа",
                "Эта сеть отвечает собственной страницей. Откройте браузер и войдите на ней: до этого интернет "
                "недоступен.",
            ),
            after_s=0,
            looks=1,
            why="at once: it is true as soon as it is seen, and the customer can end it",
        ),
        UNREACHABLE: rule(
            Words(
                "The internet is not reachable",
                "{host} does not answer ({error}). If other pages do not open either, look at the router, or ask your "
                "provider.",
            ),
            Words(
                "Интернет недоступен",
                "{host} не отвечает ({error}). Если и другие страницы не открываются, проверьте роутер или обратитесь "
                "к провайдеру.",
            ),
            after_s=10 * 60,
            looks=2,
            why="10 min: the server that is asked may be restarted",
            hidden_under=(
                Cause(dns.NONE_ANSWERS, same_instance=False),
                Cause(link.SILENT, same_instance=False),
                Cause(link.NO_ADDRESS, same_instance=False),
                Cause(link.NO_ROUTE, same_instance=False),
            ),
        ),
    },
    interval_s=900,
    cost=Cost.NETWORK,
    timeout_s=15,
)

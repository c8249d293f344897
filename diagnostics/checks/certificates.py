"""Check 41: does a certificate run out, and does somebody stand between this machine and its servers?

Whoever reads along (a virus scanner, a company's gateway, a stranger) has to show a certificate of their own: it names
the product, or this machine does not trust it, or it is signed by another one than before. The first is often wanted,
and is told as what it is. A certificate on this machine that ran out more than half a year ago is nobody's any more.
"""

from __future__ import annotations

from diagnostics.changes.compare import Subject, name_of, subject_of
from diagnostics.checks import clock, internet
from diagnostics.checks.contract import Cause, CheckSpec, Context, Metric, Outcome, Seen, evidence, raised, rule
from diagnostics.collectors.certificates import CERTIFICATES as SEEN
from diagnostics.collectors.contract import Cost
from diagnostics.findings import Finding, Severity, TimeToAct
from diagnostics.system_observations import Certificates, SeenCertificate
from diagnostics.wording import Words

EXPIRED, EXPIRING = "certificate-expired", "certificate-expiring"
UNTRUSTED, INSPECTED, OTHER_ISSUER = "server-certificate-untrusted", "connection-inspected", "server-issuer-changed"
DAY_S = 86_400
# Automatic renewal comes 30 days before the end; at 14 it has failed twice.
SOON_S, URGENT_S = 14 * DAY_S, 3 * DAY_S
FORGOTTEN_S = 180 * DAY_S
CHANGED_S = DAY_S
FINDINGS_MAX = 10
# Makers of what opens TLS on its way, as they name themselves in the certificates they make.
INSPECTORS = (
    "avast",
    "avg ",
    "bitdefender",
    "blue coat",
    "checkpoint",
    "cisco umbrella",
    "eset",
    "fortinet",
    "forcepoint",
    "kaspersky",
    "mcafee web gateway",
    "netskope",
    "palo alto",
    "sophos",
    "squid",
    "untangle",
    "zscaler",
)


def check_certificates(certificates: Certificates, context: Context) -> Outcome:
    findings: list[Finding] = []
    metrics: list[Metric] = []
    for item in certificates.certificates:
        if item.is_server:
            metrics.append(Metric("certificate.left-s", item.not_after_unix_s - context.now, f"server:{item.where}"))
            findings += _of_server(item, context)
        finding = _by_age(item, context)
        if finding is not None:
            findings.append(finding)
    unique = {finding.fingerprint: finding for finding in reversed(findings)}
    ordered = sorted(unique.values(), key=lambda item: (-item.severity.rank, item.fingerprint))
    return Outcome(tuple(ordered[:FINDINGS_MAX]), tuple(metrics))


def _instance(item: SeenCertificate) -> str:
    return f"{'server' if item.is_server else 'file'}:{item.where}"


def _raised(code: str, severity: Severity, item: SeenCertificate, shown: str, context: Context) -> Finding:
    left_s = item.not_after_unix_s - context.now
    return raised(
        code,
        _instance(item),
        severity,
        rule=SPEC.rule,
        now=context.now,
        facts={
            "where": item.where,
            "subject": item.subject,
            "issuer": item.issuer,
            "left_s": max(0, left_s),
            "over_s": max(0, -left_s),
            "trust_error": item.trust_error,
        },
        proof=(evidence("certificate", item.where, shown),),
        # The end of a certificate is no guess: the range is one moment.
        time_to_act=TimeToAct(left_s, left_s, left_s) if code == EXPIRING else None,
    )


def _by_age(item: SeenCertificate, context: Context) -> Finding | None:
    left_s = item.not_after_unix_s - context.now
    shown = f"{item.subject}, signed by {item.issuer}: ends {left_s // DAY_S} days from now"
    # One that lives a fortnight at most is renewed by the hour.
    short_lived = item.not_after_unix_s - item.not_before_unix_s <= 2 * SOON_S
    if left_s <= 0:
        if not item.is_server and -left_s > FORGOTTEN_S:
            return None
        return _raised(EXPIRED, Severity.ERROR if item.is_server else Severity.WARNING, item, shown, context)
    if left_s > SOON_S or (short_lived and left_s > URGENT_S):
        return None
    grave = item.is_server and left_s <= URGENT_S
    return _raised(EXPIRING, Severity.ERROR if grave else Severity.WARNING, item, shown, context)


def _of_server(item: SeenCertificate, context: Context) -> list[Finding]:
    issuer = item.issuer.lower()
    shown = f"{item.subject}, signed by {item.issuer}"
    if any(maker in issuer for maker in INSPECTORS):
        return [_raised(INSPECTED, Severity.INFO, item, shown, context)]
    if item.trust_error and item.not_after_unix_s > context.now:
        return [_raised(UNTRUSTED, Severity.ERROR, item, f"{shown}: {item.trust_error}", context)]
    for change in reversed(context.changes):
        if (
            subject_of(change) is Subject.CERTIFICATE
            and name_of(change) == item.where
            and "→" in change.what
            and change.at_unix_s > context.now - CHANGED_S
        ):
            return [_raised(OTHER_ISSUER, Severity.INFO, item, change.what, context)]
    return []


def _judge(seen: Seen, context: Context) -> Outcome:
    return check_certificates(seen.of(SEEN), context)


_AT_ONCE = "a certificate's end does not come and go"

SPEC = CheckSpec(
    id="certificates",
    number=41,
    version=1,
    title="Certificates",
    needs=(SEEN,),
    judge=_judge,
    codes={
        EXPIRED: rule(
            Words(
                "A certificate has run out",
                "The certificate of {where} ended {over_s:duration} ago. What relies on it refuses to connect. Ask "
                "whoever looks after it to renew it.",
            ),
            Words(
                "Срок сертификата истёк",
                "Сертификат {where} закончился {over_s:duration} назад. Программы, которым он нужен, откажутся "
                "соединяться. Попросите ответственного обновить его.",
            ),
            after_s=0,
            looks=1,
            why=_AT_ONCE,
            hidden_under=(Cause(clock.OFF, same_instance=False),),
        ),
        EXPIRING: rule(
            Words(
                "A certificate runs out soon",
                "The certificate of {where} ends in {left_s:duration}, and has not been renewed. Ask whoever looks "
                "after it.",
            ),
            Words(
                "Срок сертификата скоро истечёт",
                "Сертификат {where} закончится через {left_s:duration} и ещё не обновлён. Сообщите тому, кто за него "
                "отвечает.",
            ),
            after_s=0,
            looks=1,
            why=_AT_ONCE,
        ),
        UNTRUSTED: rule(
            Words(
                "A server cannot prove who it is",
                "This computer does not trust the certificate of {where}: {trust_error}. Either it is set up wrongly, "
                "or somebody stands in between. Do not type passwords there.",
            ),
            Words(
                "Сервер не может подтвердить, кто он",
                "Компьютер не доверяет сертификату {where}: {trust_error}. Либо он неверно настроен, либо соединение "
                "перехвачено. Не вводите там пароли.",
            ),
            after_s=10 * 60,
            looks=2,
            why="10 min: before a sign-in page of a network every server looks like this",
            hidden_under=(Cause(internet.BEHIND, same_instance=False), Cause(clock.OFF, same_instance=False)),
        ),
        INSPECTED: rule(
            Words(
                "Secure connections are read along",
                "The connection to {where} is opened on its way by {issuer}. That may be your virus scanner or your "
                "company; if neither is known to you, ask for help.",
            ),
            Words(
                "Защищённые соединения просматриваются",
                "Соединение с {where} по пути раскрывает {issuer}. Это может быть антивирус или ваша организация; если "
                "вы о таком не знаете, обратитесь за помощью.",
            ),
            after_s=10 * 60,
            looks=2,
            why="10 min: on the way through a strange network it ends with it",
        ),
        OTHER_ISSUER: rule(
            Words(
                "A server's certificate is signed by another one",
                "The certificate of {where} is now signed by {issuer}. Servers change that seldom; whoever looks after "
                "it should know of it.",
            ),
            Words(
                "Сертификат сервера подписан другим центром",
                "Сертификат {where} теперь подписан {issuer}. Серверы меняют это редко: ответственный за него должен "
                "об этом знать.",
            ),
            after_s=0,
            looks=1,
            why="at once: it is told for a day",
        ),
    },
    interval_s=6 * 3600,
    cost=Cost.NETWORK,
    timeout_s=15,
)

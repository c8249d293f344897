"""bundle: the customer sees what a bundle would hold, leaves out what they like, agrees; then it goes to the ticket.

Nothing of it goes through the visit: the bundle is sealed to the organisation's recipients and uploaded like any other,
and the technician opens it from the ticket.
"""

from collections.abc import AsyncIterator

from agent.refusal import Refusal
from agent.session.actions.service_bench import Brought, Declined, ServiceBench
from agent.session.questions import Asked, QuestionKind
from diagnostics.strict_json import encode
from diagnostics.visit_rows import SentBundle
from protocol.actions.bundle import BundleArguments


async def serve_bundle(arguments: BundleArguments, bench: ServiceBench) -> AsyncIterator[Brought]:
    visit, asking = bench.here(), bench.asking
    if asking is None or not visit.ticket:
        raise Refusal("a bundle belongs to a ticket", expected="a visit about one", got="none")
    preview = await asking.previewed()
    identity = str(preview["preview"])
    try:
        question = Asked(
            QuestionKind.BUNDLE,
            visit.technician,
            visit.organisation,
            "send a log bundle to your ticket",
            "You see below what is in it. Personal data is replaced; it is sealed so that only the support "
            "organisation can open it.",
            reason=arguments.reason,
            risk=0,
            preview=preview,
        )
        agreed = await bench.questions.ask(question)
        if agreed is None:
            raise Declined("the customer did not agree; nothing was sent")
        sent = await asking.add_to_ticket(
            visit.ticket, identity, untick_paths=agreed.untick_paths, untick_categories=agreed.untick_categories
        )
    finally:
        await asking.forget(identity)
    yield Brought("bundle", encode(SentBundle(sent.id, visit.ticket, sent.written.bytes, sent.written.files)))

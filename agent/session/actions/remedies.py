"""remedies.*: prepared fixes through the agent's own transaction, exactly as the customer runs them at the machine.

A fix that changes something asks the customer, who reads the very steps that will be done; the worker does these and no
others. It belongs to the service, not to the visit: when the visit is stopped in the middle, the worker finishes the
file in hand and puts everything back, and a crash is carried on from its journal. Never half.
"""

from collections.abc import AsyncIterator
from dataclasses import fields

from agent.mending.mending import Mending, Preview
from agent.refusal import Refusal
from agent.session.actions.service_bench import Brought, Declined, ServiceBench
from agent.session.questions import Asked, QuestionKind
from diagnostics.remedies.profile import Ending, Risk
from diagnostics.strict_json import encode
from diagnostics.visit_rows import RemedyLine, RemedyRun, RemedyStep
from protocol.actions.remedies import OfRun, RemediesListArguments, RemediesPreviewArguments, RemediesRunArguments

_SAID_NO = "the customer did not agree; nothing was changed"


async def serve_remedies_list(arguments: RemediesListArguments, bench: ServiceBench) -> AsyncIterator[Brought]:
    for value in _mending(bench).remedies():
        runs = value.pop("runs")
        yield Brought("remedy", {field.name: value[field.name] for field in fields(RemedyLine)})
        assert isinstance(runs, list)  # noqa: S101 - as remedies() makes it
        for run in runs:
            yield Brought("remedy-run", _run_row(str(value["id"]), run))


async def serve_remedies_preview(arguments: RemediesPreviewArguments, bench: ServiceBench) -> AsyncIterator[Brought]:
    fingerprint = None
    if arguments.finding:
        found = next((each for each in bench.findings.visible() if each.finding.code == arguments.finding), None)
        if found is None:
            raise Refusal("there is no such finding now", expected="a code of `facts`", got=arguments.finding)
        fingerprint = found.finding.fingerprint
    preview = await _mending(bench).preview(arguments.remedy, fingerprint)
    for number, step in enumerate(preview.question.steps, start=1):
        line = RemedyStep(preview.id, preview.remedy, int(preview.question.risk), number, step)
        yield Brought("remedy-step", encode(line))


async def serve_remedies_run(arguments: RemediesRunArguments, bench: ServiceBench) -> AsyncIterator[Brought]:
    mending = _mending(bench)
    preview = mending.previewed(arguments.preview)
    by = f"{bench.here().technician} (a visit)"
    # Without asking runs only what the owner's own policy lets run without asking.
    if preview.question.risk >= Risk.ASKS or not mending.policy().alone:
        _must_be_fresh(bench)
        agreed = await bench.questions.ask(_question(preview, bench))
        if agreed is None:
            raise Declined(_SAID_NO)
        by = agreed.by
    ending = await mending.run_in_visit(arguments.preview, by)
    yield Brought("remedy-run", _ending_row(preview.remedy, ending))


async def serve_remedies_watch(arguments: OfRun, bench: ServiceBench) -> AsyncIterator[Brought]:
    remedy, value = _mending(bench).run_value(arguments.run)
    yield Brought("remedy-run", _run_row(remedy, value))


async def serve_remedies_undo(arguments: OfRun, bench: ServiceBench) -> AsyncIterator[Brought]:
    mending = _mending(bench)
    remedy, value = mending.run_value(arguments.run)
    if value["watch_until"] is None:
        raise Refusal("this cannot be undone any more", expected="a run that is still being watched", got=arguments.run)
    _must_be_fresh(bench)
    agreed = await bench.questions.ask(_undo_question(remedy, bench))
    if agreed is None:
        raise Declined(_SAID_NO)
    yield Brought("remedy-run", _ending_row(remedy, await mending.undo_in_visit(arguments.run)))


def _must_be_fresh(bench: ServiceBench) -> None:
    if not bench.revocations_fresh():
        raise Declined("it could not be checked for 72 hours whether your certificate still counts: nothing is changed")


def _mending(bench: ServiceBench) -> Mending:
    if bench.mending is None:
        raise Refusal("fixes are not done here", expected="an agent that mends", got="none")
    return bench.mending


def _question(preview: Preview, bench: ServiceBench) -> Asked:
    visit = bench.here()
    shown = preview.question
    return Asked(
        QuestionKind.REMEDY,
        visit.technician,
        visit.organisation,
        shown.title,
        shown.text,
        shown.steps,
        risk=int(shown.risk),
    )


def _undo_question(remedy: str, bench: ServiceBench) -> Asked:
    visit = bench.here()
    return Asked(
        QuestionKind.UNDO,
        visit.technician,
        visit.organisation,
        f"put back what the fix “{remedy}” changed",
        "Everything that it moved away comes back to where it was.",
    )


def _run_row(remedy: str, run: dict[str, object]) -> dict[str, object]:
    """`outcome` None: it is still watched (until `watch_until`), or it waits for its next step."""
    return {"remedy": remedy, **{field.name: run[field.name] for field in fields(RemedyRun) if field.name != "remedy"}}


def _ending_row(remedy: str, ending: Ending) -> object:
    outcome = None if ending.outcome is None else ending.outcome.value
    return encode(RemedyRun(remedy, ending.run, None, None, ending.watch_until_unix_s, outcome, ending.detail, None))

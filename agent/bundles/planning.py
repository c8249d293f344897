"""From a machine to a plan of a bundle: collect, redact, weigh. Runs in the worker, or in the `bundle` command."""

from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path

from agent.bundles.talk import WINDOW_S, BundleRequest, WriteOrder, Written
from agent.refusal import Refusal
from agent.session.own_names import names_of
from diagnostics.bundle import BundleRefusedError, Heading, Plan, Window, plan_bundle, write_bundle
from diagnostics.changes.store import load_changes
from diagnostics.collectors.contract import CollectedFile, Skipped, SkipStatus
from diagnostics.collectors.evidence import collect_evidence, evidence_catalogue
from diagnostics.findings import Change
from diagnostics.machine.interface import Machine
from diagnostics.redaction import Redactor
from diagnostics.strict_json import StrictJsonError, encode
from diagnostics.vendors.evidence import SUBJECT as APPLICATIONS
from diagnostics.vendors.evidence import application_evidence, logs_of


def make_plan(request: BundleRequest, machine: Machine) -> Plan:
    """Everything that may go, redacted, in this process's memory."""
    changes, unknown = known_changes(request)
    return plan_bundle(
        _evidence(machine, request, unknown),
        heading=Heading(
            id=request.id,
            created_unix_s=request.now,
            agent_version=version("bellpull"),
            pack_versions=request.pack_versions,
            window=Window(request.now - WINDOW_S, request.now),
        ),
        findings=request.findings,
        changes=changes,
        redactor=Redactor(names_of(machine), bytes.fromhex(request.secret)),
    )


def known_changes(request: BundleRequest) -> tuple[tuple[Change, ...], str]:
    """What changed within the bundle's window, or why not: an unreadable past costs no bundle."""
    if not request.past:
        return (), ""
    try:
        kept = load_changes(request.past)
    except (StrictJsonError, ValueError) as error:
        return (), f"what the looks before have kept cannot be read: {error}"
    return tuple(kept.since(request.now - WINDOW_S)), ""


def _evidence(machine: Machine, request: BundleRequest, unknown: str) -> Iterator[CollectedFile | Skipped]:
    chosen = subjects(request)
    watched = request.applications if APPLICATIONS in chosen else ()
    yield from collect_evidence(
        machine,
        now=request.now,
        only=chosen if watched else [subject for subject in chosen if subject != APPLICATIONS],
        also=(application_evidence(watched),) if watched else (),
        without_logs=logs_of(request.applications),
    )
    if unknown:
        yield Skipped("agent/changes.json", "agent", SkipStatus.SKIPPED, unknown, 0)


def subjects(request: BundleRequest) -> list[str]:
    """All subjects but those that the owner never lets go. Refusal for one that does not exist: a typing error there
    would send what the owner meant to keep."""
    known = [*(collector.id for collector in evidence_catalogue(request.now)), APPLICATIONS]
    unknown = sorted(set(request.never) - set(known))
    if unknown:
        raise Refusal(
            "the owner's settings keep back a subject that does not exist",
            expected="some of " + ", ".join(known),
            got=unknown[0],
            hint="Correct `never` under [bundle] in config.toml.",
        )
    return [subject for subject in known if subject not in request.never]


def unticked(plan: Plan, order: WriteOrder) -> Plan:
    try:
        return plan.without(paths=order.untick_paths, categories=order.untick_categories)
    except ValueError as error:
        raise Refusal("this cannot be left out", expected="a path or category of the preview", got=str(error)) from None


def written_value(plan: Plan, order: WriteOrder, sign: Callable[[bytes], bytes] | None) -> Written:
    """Write the plan as ordered; Refusal when it cannot be."""
    try:
        done = write_bundle(plan, Path(order.path), recipients=order.recipients, sign=sign)
    except BundleRefusedError as error:
        raise Refusal(
            "the bundle could not be written", expected=error.expected, got=error.got, hint=error.hint
        ) from None
    except OSError as error:
        raise Refusal(
            "the bundle could not be written",
            expected="a disk that takes it",
            got=error.strerror or str(error),
            hint="Free some space, or name another folder.",
        ) from None
    return Written(done.bytes, done.files, dict(done.redactions), done.sha256, done.sealed, done.root)


def preview_value(plan: Plan) -> object:
    """The preview as JSON values, with the bytes of each category."""
    preview = plan.preview()
    value = encode(preview)
    assert isinstance(value, dict)  # noqa: S101 - a dataclass encodes to an object
    return {**value, "categories": dict(preview.categories)}

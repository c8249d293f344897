"""Before a whole bundle goes: a signature of what is wrong, and the name of an answer that the device already holds.

    agent                                              server
    symptoms {id, pack, findings, checks} ───────────► what did it turn out to be elsewhere?
                    ◄──────────────────────────────── symptom-answer {id, issue}     an id, or nothing: go on

The signature holds nothing but values of the published list (report.py): codes, severities, pseudonyms, ids of checks.
The answer is an id and never a text: the agent looks it up in the pack that its organisation signed, holds it against
its own machine, and only then shows it. A server that lies can name what the pack holds and fits the symptoms; it can
make nobody send anything.
"""

from typing import Annotated, Final, Literal

from pydantic import Field

from protocol.fields import Count, Kebab, Uuid
from protocol.messages.report import InstancePseudonym, ReportedSeverity
from protocol.strict_json import WireModel

FINDINGS_MAX: Final = 8
CHECKS_MAX: Final = 8


class Symptom(WireModel):
    code: Kebab
    instance: InstancePseudonym
    severity: ReportedSeverity


class Symptoms(WireModel):
    """`pack`: version of the known issues this device holds. `findings`: gravest first, those that nothing here
    explains; `checks`: those that found something. At most SYMPTOMS_MAX_BYTES as JSON."""

    type: Literal["symptoms"] = "symptoms"
    id: Uuid
    pack: Count
    findings: Annotated[tuple[Symptom, ...], Field(min_length=1, max_length=FINDINGS_MAX)]
    checks: Annotated[tuple[Kebab, ...], Field(max_length=CHECKS_MAX)] = ()


class SymptomAnswer(WireModel):
    """`issue` None: nothing is known, the agent goes on."""

    type: Literal["symptom-answer"] = "symptom-answer"
    id: Uuid
    issue: Kebab | None = None

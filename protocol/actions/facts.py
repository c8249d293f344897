"""facts: what this computer has noticed: observations of a collector, findings with what changed before, history.

{"subject":"observations","name":"memory"}                        one collector, asked now; empty: which there are
{"subject":"findings"}                                            kept findings, with the changes before the onset
{"subject":"history"}                                             which series there are
{"subject":"history","name":"disk.used-bytes","instance":"…"}     one of them, for a plot
"""

from typing import Annotated, Literal

from pydantic import Field

from protocol.actions.scopes import Scope
from protocol.actions.spec import ActionSpec
from protocol.strict_json import WireModel


class FactsArguments(WireModel):
    """`instance`: as `history` without a name has shown it, with marks where it held names. `since_s`: how far back."""

    subject: Literal["observations", "findings", "history"] = "findings"
    name: Annotated[str, Field(max_length=120, pattern=r"^[a-z0-9.-]*$")] = ""
    instance: Annotated[str, Field(max_length=300)] = ""
    since_s: Annotated[int, Field(ge=60, le=30 * 86_400)] = 7 * 86_400


FACTS = ActionSpec("facts", Scope.DIAGNOSE, FactsArguments, "looked at what this computer has noticed and measured")

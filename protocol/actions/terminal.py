"""terminal: a shell as the person at the machine, where an administrator of the machine has enabled it.

    ─► pieces   bytes: what is typed · item `resize` {rows, columns} · end of input: hang up
    ◄─ pieces   item `terminal-opened` · bytes: what is shown · item `terminal-ended`

It ends with its shell, with the input, with the visit, or when the customer presses Stop; whatever it started ends too.
"""

from typing import Annotated

from pydantic import Field

from protocol.actions.scopes import Scope
from protocol.actions.spec import MIB, ActionSpec, Output
from protocol.strict_json import WireModel

RESIZE_KIND = "resize"
#: Of what was typed, and of what was shown: the beginning, for the transcript. The hashes are of all of it.
KEPT_BYTES = 24 * 1024
_Cells = Annotated[int, Field(ge=1, le=1000)]


class TerminalSize(WireModel):
    rows: _Cells
    columns: _Cells


class TerminalArguments(WireModel):
    rows: _Cells = 24
    columns: _Cells = 80


class TerminalOpened(WireModel):
    """`shell`: its program's name. `confined`: the kernel keeps it away from the agent's own files."""

    shell: Annotated[str, Field(max_length=255)]
    confined: bool


class TerminalEnded(WireModel):
    """`code`: of the shell, negative for a signal. None: it was hung up."""

    code: int | None


TERMINAL = ActionSpec(
    "terminal",
    Scope.TERMINAL,
    TerminalArguments,
    "typed commands in a terminal",
    output=Output.BYTES,
    changes=True,
    input=True,
    lasting=True,
    memory_bytes=384 * MIB,  # within what the service's unit allows for all of it
    output_bytes=1024 * MIB,
    kept_bytes=KEPT_BYTES,
)

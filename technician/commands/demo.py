"""`bellpull demo`: everything on this machine, to try or to prove."""

from pathlib import Path
from typing import Annotated

import typer

from technician.commands.output import EXIT_PROBLEM, JsonOption, Output, reports
from technician.problems import Problem


@reports
def demo(
    once: Annotated[bool, typer.Option("--once", help="Play the main job alone, prove it, and end.")] = False,
    clean: Annotated[bool, typer.Option("--clean", help="Remove what a demo left, and do nothing else.")] = False,
    state: Annotated[
        Path | None, typer.Option("--state", help="The demo's directory.", show_default="the user's state folder")
    ] = None,
    port: Annotated[int, typer.Option("--port", min=1024, max=65000, help="A taken one: the next free.")] = 8443,
    as_json: JsonOption = False,
) -> None:
    """Start server, organisation, device and technician on this machine; Ctrl-C stops them all and nothing else."""
    # psutil, h11 and the rest of the demo are nothing that other commands should wait for.
    from technician.demo.run import clean_up, run_demo

    out = Output(as_json)
    if clean:
        clean_up(state, out)
        return
    if as_json and not once:
        raise Problem("--json goes with --once", hint="Without --once a person looks at the screen.", exit_code=2)
    if not run_demo(state, port, once=once, out=out):
        raise typer.Exit(EXIT_PROBLEM)

"""`bellpull demo`: everything on this machine, to try or to prove."""

import signal
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer

from protocol.errors import ProtocolError
from technician.commands.output import EXIT_PROBLEM, JsonOption, Output, reports
from technician.problems import Problem

if TYPE_CHECKING:
    from technician.demo.stage import Stage


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
    from technician.demo.canaries import environment
    from technician.demo.folder import default_folder, fresh_folder, remove_folder
    from technician.demo.programs import Programs
    from technician.demo.steps import Telling

    out = Output(as_json)
    path = state or default_folder()
    if clean:
        removed = remove_folder(path)
        out.say(f"{path} is removed." if removed else f"There is nothing at {path}.")
        if as_json:
            out.json({"removed": removed, "state": str(path)})
        return
    if as_json and not once:
        raise Problem("--json goes with --once", hint="Without --once a person looks at the screen.", exit_code=2)
    # Also where a shell started us with SIGINT ignored, as it does in the background.
    for ending in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ending, _as_interrupt)
    telling = Telling(out)
    try:
        with fresh_folder(path) as folder:
            out.say(f"State: {folder.path}", "dim")
            with Programs(folder.logs, environment(folder.machine)) as programs:
                stage = Stage(folder, programs, telling, record=once)
                try:
                    _play(stage, port, once=once, out=out)
                finally:
                    if stage.tap is not None:
                        stage.tap.close()
    except (Problem, ProtocolError) as error:
        telling.done(error)
        raise typer.Exit(EXIT_PROBLEM) from None
    except KeyboardInterrupt:
        out.say("All of it is stopped.")
        if once:
            telling.done(Problem("interrupted"))
            raise typer.Exit(EXIT_PROBLEM) from None
        return
    telling.done()


def _play(stage: "Stage", port: int, *, once: bool, out: Output) -> None:
    from technician.demo.play import main_job, set_up
    from technician.demo.screen import open_faces, show, wait_for_the_end

    set_up(stage, port)
    if once:
        main_job(stage)
        return
    show(stage, open_faces(stage), out)
    wait_for_the_end(stage)


def _as_interrupt(number: int, frame: FrameType | None) -> None:
    """Ctrl-C, or SIGTERM: the same end."""
    raise KeyboardInterrupt

"""The whole demo, from an empty folder to the last line, and its end by Ctrl-C."""

import signal
from pathlib import Path
from types import FrameType

from protocol.errors import ProtocolError
from technician.commands.output import Output
from technician.demo.canaries import environment
from technician.demo.folder import default_folder, fresh_folder, remove_folder
from technician.demo.play import main_job, set_up
from technician.demo.programs import Programs
from technician.demo.screen import open_faces, show, wait_for_the_end
from technician.demo.stage import Stage
from technician.demo.steps import Telling
from technician.problems import Problem


def clean_up(state: Path | None, out: Output) -> None:
    """Remove what a demo left."""
    path = state or default_folder()
    removed = remove_folder(path)
    out.say(f"{path} is removed." if removed else f"There is nothing at {path}.")
    if out.as_json:
        out.json({"removed": removed, "state": str(path)})


def run_demo(state: Path | None, port: int, *, once: bool, out: Output) -> bool:
    """Play it; True when all went well. Whatever was started has ended when this returns."""
    # Also where a shell started us with SIGINT ignored, as it does in the background.
    for ending in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ending, _as_interrupt)
    telling = Telling(out)
    try:
        with fresh_folder(state or default_folder()) as folder:
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
        return False
    except KeyboardInterrupt:
        out.say("All of it is stopped.")
        if once:
            telling.done(Problem("interrupted", hint="Nothing of it runs any more."))
        return not once
    telling.done()
    return True


def _play(stage: Stage, port: int, *, once: bool, out: Output) -> None:
    set_up(stage, port)
    if once:
        main_job(stage)
        return
    show(stage, open_faces(stage), out)
    wait_for_the_end(stage)


def _as_interrupt(number: int, frame: FrameType | None) -> None:
    """Ctrl-C, or SIGTERM: the same end."""
    raise KeyboardInterrupt

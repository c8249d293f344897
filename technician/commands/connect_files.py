"""`get` and `put` in `bellpull connect`: one file each, with progress, going on where a cut left it."""

from collections.abc import Awaitable
from pathlib import Path

from protocol.errors import ProtocolError
from technician.commands.connect_faces import Face
from technician.problems import Problem
from technician.session.files import Carried, download, upload
from technician.session.visit import Visit
from technician.workbench.local_names import local_name


async def get(visit: Visit, face: Face, words: list[str]) -> None:
    """get REMOTE [LOCAL]"""
    match words:
        case [remote]:
            local = Path(local_name(remote))
        case [remote, named]:
            local = Path(named)
            if local.is_dir():
                local /= local_name(remote)
        case _:
            raise Problem("this is not how a file is fetched", expected="get REMOTE [LOCAL]")
    await _carry("files.read", face, download(visit, remote, local, lambda far: face.progress("files.read", far)))


async def put(visit: Visit, face: Face, words: list[str]) -> None:
    """put LOCAL REMOTE [replace]"""
    match words:
        case [local, remote, *rest] if rest in ([], ["replace"]):
            sending = upload(
                visit,
                Path(local),
                f"{remote}{Path(local).name}" if remote.endswith("/") else remote,
                lambda far: face.progress("files.write", far),
                replace=bool(rest),
            )
        case _:
            raise Problem("this is not how a file is sent", expected="put LOCAL REMOTE [replace]")
    await _carry("files.write", face, sending)


async def _carry(action: str, face: Face, work: Awaitable[Carried]) -> None:
    try:
        carried = await work
    except ProtocolError as error:
        face.error(error)
        return
    face.carried(action, carried)

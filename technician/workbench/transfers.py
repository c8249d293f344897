"""Files between the browser and the workbench: one to upload, and a copy of one that was downloaded.

POST /visit/upload             path (folder on the device), file, replace?, sure=yes
GET  /visit/downloads/RUN      as an attachment: the browser saves it and shows nothing of it
"""

from pydantic import ValidationError
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response

from protocol.strict_json import describe
from technician.problems import Problem
from technician.workbench.downloads import Download
from technician.workbench.state import desk_of, visit_of
from technician.workbench.tabs.files import FILES, KEY
from technician.workbench.uploads import Upload


async def upload_file(request: Request) -> Response:
    """POST: a file of this machine goes into a folder of the device."""
    live = visit_of(request)
    async with request.form(max_files=1, max_fields=8) as form:
        chosen, folder = form.get("file"), str(form.get("path", ""))
        if not isinstance(chosen, UploadFile) or not chosen.filename:
            raise Problem("no file was chosen", hint="Choose one, then upload.")
        if form.get("sure") != "yes":
            raise Problem("a file is put there only when you say so", expected="the tick before the button")
        upload = await Upload.taken(chosen, live.home.downloads)
        replace = bool(form.get("replace"))
    try:
        arguments = upload.arguments(folder, replace=replace)
    except ValidationError as error:
        raise Problem("the device would not take this name", got=describe(error)) from None
    act = FILES.act("write")
    assert act is not None  # noqa: S101 - the tab has it
    live.act(KEY, act.name, act.action, arguments, driven=upload)
    return RedirectResponse(f"/visit?tab={KEY}", status_code=303)


async def downloaded_file(request: Request) -> Response:
    """A copy for the technician to keep elsewhere."""
    live, number = desk_of(request).live, request.path_params["run"]
    run = live.runs.find(int(number)) if live and number.isascii() and number.isdecimal() and len(number) < 10 else None
    if run is None or not isinstance(run.driven, Download) or run.driven.path is None:
        raise Problem("there is no such download in this visit", got=number[:20])
    path = run.driven.path
    if not path.is_file() or path.is_symlink():
        raise Problem("the file is not there any more", expected=str(path), got="nothing")
    return FileResponse(path, media_type="application/octet-stream", filename=path.name)

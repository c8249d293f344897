"""Resumable upload: POST says how long, HEAD asks how far, PATCH goes on from there. One token, one blob."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.asking import office_of
from server.bundles.rules import Upload
from server.bundles.store import WrongOffset
from server.doorkeeper import bearer_token
from server.refusal import Refusal

CHUNK_TYPE = "application/offset+octet-stream"


async def create(request: Request) -> Response:
    """201 with the offset to go on from; the same upload may be announced again."""
    upload = await _open(request)
    length = _number(request, "upload-length")
    if length != upload.size_bytes:
        raise Refusal(409, "the length is not the announced one", expected=str(upload.size_bytes), got=str(length))
    return _answer(201, upload)


async def head(request: Request) -> Response:
    return _answer(200, await _open(request))


async def patch(request: Request) -> Response:
    upload = await _open(request)
    if request.headers.get("content-type", "") != CHUNK_TYPE:
        raise Refusal(415, "a chunk has another type", expected=CHUNK_TYPE)
    offset_bytes = _number(request, "upload-offset")
    try:
        written = await office_of(request).bundles.write(upload.id, offset_bytes, await request.body())
    except WrongOffset as wrong:
        return _answer(409, wrong.upload)
    return _answer(204, written)


async def _open(request: Request) -> Upload:
    return await office_of(request).bundles.open(request.path_params["upload"], bearer_token(request))


def _number(request: Request, header: str) -> int:
    text = request.headers.get(header, "")
    if not (text.isascii() and text.isdigit() and len(text) <= 12):
        raise Refusal(400, f"the header {header} is missing or malformed", expected="a decimal number of bytes")
    return int(text)


def _answer(status: int, upload: Upload) -> Response:
    return Response(
        status_code=status,
        headers={
            "upload-offset": str(upload.offset_bytes),
            "upload-length": str(upload.size_bytes),
            "upload-complete": "1" if upload.complete else "0",
            "cache-control": "no-store",
        },
    )


routes = [
    Route("/uploads/{upload}", create, methods=["POST"]),
    Route("/uploads/{upload}", head, methods=["HEAD"]),
    Route("/uploads/{upload}", patch, methods=["PATCH"]),
]

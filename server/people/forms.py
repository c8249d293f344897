"""Reads a posted form: bounded, one value a name, text without what a text field cannot hold.

    application/x-www-form-urlencoded, UTF-8, ≤ 64 KiB, ≤ 64 fields

Files are never posted to the console, so multipart is not understood at all.
"""

import re
from typing import Final
from urllib.parse import parse_qsl

from starlette.requests import Request

from server.access import FORM_MAX_BYTES
from server.refusal import Refusal

FIELDS_MAX: Final = 64
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


async def read_form(request: Request) -> dict[str, str]:
    """Field → text, line ends as `\\n`. Refuses what a browser of ours would not send."""
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise Refusal(415, "this is not a form", expected="application/x-www-form-urlencoded", got=kind[:60])
    body = b""
    async for block in request.stream():
        body += block
        if len(body) > FORM_MAX_BYTES:
            raise Refusal(413, "the form is too large", expected=f"at most {FORM_MAX_BYTES} bytes")
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=FIELDS_MAX)
    except ValueError:
        raise Refusal(400, "the form could not be read", expected=f"at most {FIELDS_MAX} fields of UTF-8") from None
    form = {name: value.replace("\r\n", "\n") for name, value in pairs}
    if len(form) != len(pairs):
        raise Refusal(400, "the form names a field twice")
    if any(_CONTROLS.search(text) for pair in form.items() for text in pair):
        raise Refusal(400, "the form holds characters that no text has", hint="Type the text again.")
    return form

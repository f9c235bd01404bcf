"""Forms as they come: bounded, every field kept as it was sent, because signatures cover them so."""

from typing import Annotated
from urllib.parse import parse_qsl

from fastapi import Depends, HTTPException, Request
from starlette.datastructures import ImmutableMultiDict

MOST_BYTES = 64 * 1024
"""A text has 1,600 characters; a webhook of Twilio's has some 4 kB."""
MOST_FIELDS = 200
Fields = ImmutableMultiDict[str, str]
"""A field may come several times: `getlist` has all of them, `[]` the last."""
FORM = "application/x-www-form-urlencoded"


async def read_form(request: Request) -> Fields:
    """The fields of a form. Raises 413 for a long body, 415 for no form, 400 for one that cannot be read."""
    body = await read_bounded(request)
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        raise HTTPException(415)
    try:
        pairs = parse_qsl(body.decode("utf-8"), keep_blank_values=True, max_num_fields=MOST_FIELDS, errors="strict")
    except ValueError as error:
        raise HTTPException(400) from error
    return Fields(pairs)


async def read_bounded(request: Request) -> bytes:
    """The body, read only as far as it may go. Raises 413 beyond."""
    told = request.headers.get("content-length", "")
    if told.isdigit() and int(told) > MOST_BYTES:
        raise HTTPException(413)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_BYTES:
            raise HTTPException(413)
    return bytes(body)


Form = Annotated[Fields, Depends(read_form)]
Body = Annotated[bytes, Depends(read_bounded)]

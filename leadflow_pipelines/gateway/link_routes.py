"""Links of messages: followed, and unsubscribed by. A token that we did not sign leads nowhere."""

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from leadflow_pipelines.gateway.bodies import Body
from leadflow_pipelines.gateway.door import AtDoor, Door
from leadflow_pipelines.outreach.campaigns.tracked_links import PATHS
from leadflow_pipelines.outreach.replies.follow_link import Visit, follow_link
from leadflow_pipelines.outreach.replies.unsubscribe import is_unsubscribe_token, unsubscribe

router = APIRouter()
MOST_LETTERS = 64
"""A token has 40."""
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title></head><body><main><h1>{title}</h1>{content}</main></body></html>"""
ASK = PAGE.format(
    title="Stop these e-mails",
    content="<p>No more e-mail will be sent to the address that got this link.</p>"
    '<form method="post"><button type="submit">Stop the e-mails</button></form>',
)
DONE = PAGE.format(title="You are unsubscribed", content="<p>No more e-mail will be sent to this address.</p>")


@router.api_route(PATHS["link"] + "{token}", methods=["GET", "HEAD"])
def link(token: str, request: Request, door: AtDoor) -> Response:
    """Sends the reader on to where the text of the message leads."""
    _require_short(token)
    visit = Visit(request.method, {name.lower(): value for name, value in request.headers.items()})
    with door.database.as_org(door.org.org_id) as connection:
        target = follow_link(connection, door.org, token, visit, keys=door.keys, now=door.clock())
    if target is None:
        raise HTTPException(404)
    return RedirectResponse(target, status_code=302)


@router.get(PATHS["unsubscribe"] + "{token}")
def ask(token: str, door: AtDoor) -> HTMLResponse:
    """A page with a button: programs that follow every link of an e-mail unsubscribe nobody."""
    _require_short(token)
    if not is_unsubscribe_token(door.database, door.org, token, keys=door.keys):
        raise HTTPException(404)
    return HTMLResponse(ASK)


@router.post(PATHS["unsubscribe"] + "{token}")
def stop(token: str, body: Body, door: AtDoor) -> HTMLResponse:
    """Unsubscribes at once, whoever posts: mail programs send `List-Unsubscribe=One-Click` without asking anything."""
    _require_short(token)
    if not _unsubscribed(token, door):
        raise HTTPException(404)
    return HTMLResponse(DONE)


def _unsubscribed(token: str, door: Door) -> bool:
    done = unsubscribe(door.database, door.org, token, now=door.clock(), keys=door.keys, settings=door.settings)
    return bool(done)


def _require_short(token: str) -> None:
    if len(token) > MOST_LETTERS:
        raise HTTPException(404)

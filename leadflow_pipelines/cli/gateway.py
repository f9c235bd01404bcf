"""`leadflow gateway`: webhooks, tracked links and one-click unsubscribes, by themselves."""

from typing import Annotated

import typer

from leadflow_pipelines.cli.console import OrgOption, err
from leadflow_pipelines.cli.session import start

LOOPBACK = "127.0.0.1"


def gateway(
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Port. Default: LEADFLOW_GATEWAY_PORT, else 8700.")
    ] = None,
    host: Annotated[str, typer.Option(help="Address to listen on; a proxy with TLS stands before it.")] = LOOPBACK,
    org: OrgOption = None,
) -> None:
    """Serve one org's webhooks of Twilio, its tracked links and its unsubscribe links, until interrupted.

    Set LEADFLOW_PUBLIC_URL to where the internet reaches it: Twilio signs that address, and whatever is not signed for
    it is refused. Enter <public URL>/webhooks/twilio/<org>/inbound as the inbound webhook of your numbers or Messaging
    Service; status callbacks need no setting. `leadflow up` runs it too. docs/replies.md says more.
    """
    from leadflow_pipelines.gateway.app import serve

    settings = start(org, process="gateway")
    if settings.public_url is None:
        err.print(
            "Note: LEADFLOW_PUBLIC_URL is not set, so webhooks are refused; replies are polled instead.", style="yellow"
        )
    wanted = port or settings.gateway_port
    err.print(f"Gateway of {settings.org}: http://{host}:{wanted}  (Ctrl-C stops it)", markup=False)
    serve(settings, host=host, port=wanted)

"""Who acts, for commands that are noted under a person's name."""

import getpass
from typing import Annotated

import typer

ActorOption = Annotated[
    str | None, typer.Option("--as", metavar="NAME", help="Who does this: a member of the org. Default: your login.")
]
NOT_ADVICE = "Cleared under the configured, dated rules; not legal advice."


def actor(named: str | None) -> str:
    """The one named, else the login name of the system's user. The acts themselves check that it is a member."""
    return (named or getpass.getuser()).strip()

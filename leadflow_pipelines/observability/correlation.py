"""The id of one piece of work, from the command or schedule tick down to every line it logs.

Here belongs only what is bound to the running context; who stores the id (run tags, ledger rows) asks for it.
"""

import contextvars
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

_NOTHING: Mapping[str, str] = MappingProxyType({})
_bound: contextvars.ContextVar[Mapping[str, str]] = contextvars.ContextVar("leadflow_correlation", default=_NOTHING)
_TAKEN_ALONG = "_leadflow_correlation"


def new_correlation_id() -> str:
    """An id for one command, schedule tick or request: 32 hexadecimal digits."""
    return uuid.uuid4().hex


@contextmanager
def bind_correlation(
    *, correlation_id: str | None = None, run_id: str | None = None, org: str | None = None
) -> Iterator[str]:
    """Bind what is given for the time of the block, keep what is bound already; yield the correlation id.

    Without an id given or bound, a new one is made. An error that leaves the block takes along what was
    bound, for whoever reports it outside.
    """
    before = _bound.get()
    correlation_id = correlation_id or before.get("correlation_id") or new_correlation_id()
    given = {"correlation_id": correlation_id, "run_id": run_id, "org": org}
    token = _bound.set({**before, **{name: value for name, value in given.items() if value}})
    try:
        yield correlation_id
    except Exception as error:
        if not hasattr(error, _TAKEN_ALONG):
            setattr(error, _TAKEN_ALONG, _bound.get())
        raise
    finally:
        _bound.reset(token)


def correlation_of(error: BaseException) -> Mapping[str, str]:
    """What was bound where the error came from; what is bound here if it never left a block."""
    taken: Mapping[str, str] = getattr(error, _TAKEN_ALONG, None) or _bound.get()
    return taken


def current_correlation() -> Mapping[str, str]:
    """What is bound here: any of `correlation_id`, `run_id`, `org`."""
    return _bound.get()


def current_correlation_id() -> str | None:
    """The id of the work going on here, or None outside any."""
    return _bound.get().get("correlation_id")


def carry_correlation(function: Callable[P, R]) -> Callable[P, R]:
    """The function, bound as here, for a thread pool: threads begin with nothing bound."""
    here = _bound.get()

    def carried(*args: P.args, **kwargs: P.kwargs) -> R:
        token = _bound.set(here)
        try:
            return function(*args, **kwargs)
        finally:
            _bound.reset(token)

    return carried

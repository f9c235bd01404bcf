"""Reports of errors to Sentry, when a DSN is set; nothing leaves the process otherwise.

What leaves is scrubbed here, in the process itself, whatever the server would do.
"""

import sys
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from leadflow_pipelines.errors import InvalidSettings
from leadflow_pipelines.observability.correlation import correlation_of, current_correlation
from leadflow_pipelines.observability.scrubbing import Scrubber
from leadflow_pipelines.settings import PREFIX, Settings

if TYPE_CHECKING:
    from sentry_sdk.types import Event, Hint

# Parts of an event that hold text from the program or its data. The rest (ids, times, levels) is Sentry's own.
_TEXTS = ("message", "logentry", "exception", "threads", "breadcrumbs", "extra", "contexts", "tags")
_REQUEST_KEPT = ("url", "method")
_STACK_KEPT = ("filename", "abs_path", "function", "module", "lineno", "in_app")


def init_error_reports(settings: Settings, *, process: str) -> bool:
    """Send this process's unhandled and logged errors to the DSN of the settings; False where none is set.

    `process` names it in the reports: cli, webserver, daemon, code_location, run. Raises InvalidSettings for
    a malformed DSN.
    """
    if settings.sentry_dsn is None:
        return False
    # Imported only where it is used: it takes 0.4 s.
    import sentry_sdk  # noqa: PLC0415
    from sentry_sdk.integrations.argv import ArgvIntegration  # noqa: PLC0415
    from sentry_sdk.integrations.stdlib import StdlibIntegration  # noqa: PLC0415
    from sentry_sdk.utils import BadDsn  # noqa: PLC0415

    scrubber = Scrubber.from_settings(settings)
    try:
        sentry_sdk.init(
            dsn=settings.sentry_dsn.get_secret_value(),
            environment=settings.environment,
            release=f"leadflow@{version('leadflow')}",
            # send_default_pii stays unset, which means False: naming it is deprecated.
            include_local_variables=False,
            include_source_context=False,
            max_request_body_size="never",
            max_breadcrumbs=30,
            auto_session_tracking=False,
            auto_enabling_integrations=False,
            # Arguments and child processes' command lines name files, people and keys.
            disabled_integrations=[ArgvIntegration(), StdlibIntegration()],
            before_send=lambda event, hint: scrub_event(event, hint, scrubber=scrubber),
        )
    except BadDsn as error:
        raise InvalidSettings([f"{PREFIX}SENTRY_DSN: {error}. Copy it from the project's page."]) from None
    sentry_sdk.set_tag("process", process)
    sentry_sdk.set_tag("org", settings.org)
    return True


def report_error(error: BaseException | str, **tags: str) -> None:
    """Report an error that was caught or learnt of, such as a failed run; does nothing without a DSN."""
    if "sentry_sdk" not in sys.modules:
        return
    import sentry_sdk  # noqa: PLC0415

    with sentry_sdk.new_scope() as scope:
        scope.set_tags(tags)
        if isinstance(error, BaseException):
            scope.capture_exception(error)
        else:
            scope.capture_message(error, level="error")


def flush_error_reports(timeout_seconds: float = 2.0) -> None:
    """Wait, so long at most, until the reports made so far are sent: before a process ends by itself."""
    if "sentry_sdk" not in sys.modules:
        return
    import sentry_sdk  # noqa: PLC0415

    sentry_sdk.flush(timeout=timeout_seconds)


def scrub_event(event: "Event", hint: "Hint", *, scrubber: Scrubber) -> "Event":
    """The event without secrets, personal data, local variables and query strings, tagged with what is bound."""
    content: dict[str, Any] = dict(event)
    content.pop("user", None)
    content.pop("server_name", None)
    if request := content.get("request"):
        content["request"] = {name: str(request[name]).split("?", 1)[0] for name in _REQUEST_KEPT if name in request}
    for part in (*_TEXTS, "request"):
        if part in content:
            content[part] = scrubber.value(_without_locals(content[part]))
    error = (hint.get("exc_info") or (None, None, None))[1]
    bound = current_correlation() if error is None else correlation_of(error)
    content["tags"] = {**(content.get("tags") or {}), **bound}
    return content  # type: ignore[return-value]


def _without_locals(part: Any) -> Any:
    """Stack frames keep where they are, not what was in them."""
    if isinstance(part, dict):
        if isinstance(part.get("frames"), list):
            kept = [{name: frame[name] for name in _STACK_KEPT if name in frame} for frame in part["frames"]]
            return {**part, "frames": kept}
        return {name: _without_locals(inner) for name, inner in part.items()}
    if isinstance(part, list):
        return [_without_locals(inner) for inner in part]
    return part

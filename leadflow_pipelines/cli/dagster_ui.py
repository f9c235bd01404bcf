"""`leadflow up`: Dagster's webserver, daemon and code server and the gateway, started in order, watched and stopped
together.

What they serve is in `leadflow_pipelines.definitions`; what they store, in `automation.dagster_storage`.
"""

import json
import os
import signal
import socket
import sys
import tempfile
import threading
import webbrowser
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import yaml
from dagster import DagsterRunStatus, RunsFilter
from dagster._core.errors import DagsterUserCodeUnreachableError
from dagster._core.storage.tags import GRPC_INFO_TAG
from dagster._grpc.client import DagsterGrpcClient
from dagster._grpc.types import CancelExecutionRequest
from pydantic import SecretStr

from leadflow_pipelines.automation.dagster_storage import dagster_home, dagster_instance
from leadflow_pipelines.cli.console import err, out, progress
from leadflow_pipelines.cli.supervisor import Program, Supervisor
from leadflow_pipelines.database.orgs import find_org
from leadflow_pipelines.database.prepare import open_database
from leadflow_pipelines.errors import LeadflowError
from leadflow_pipelines.gateway.app import HEALTH_PATH
from leadflow_pipelines.settings import PREFIX, Settings

HOST = "127.0.0.1"
LOCATION = "leadflow"
DEFINITIONS = "leadflow_pipelines.definitions"
COMMAND = "leadflow_pipelines.cli.__main__"
DAGSTER_PROCESS = "leadflow_pipelines.cli.dagster_process"
START_SECONDS = 180.0


def run_up(settings: Settings, *, definitions: str = DEFINITIONS) -> int:
    """Serve the Dagster UI on loopback until interrupted; 0 when asked to stop, 1 when a part keeps failing.

    definitions: the module whose `defs` are served. Raises LeadflowError where the port is taken or a part
    does not start.
    """
    _require_free_port(settings.dagster_port, "the Dagster UI", "DAGSTER_PORT")
    _require_free_port(settings.gateway_port, "the gateway", "GATEWAY_PORT")
    progress("Starting Postgres, with Dagster's tables")
    database = open_database(settings)
    find_org(database, settings.org)
    database.dispose()
    with dagster_instance(settings):
        pass
    url = f"http://{HOST}:{settings.dagster_port}"
    with _stop_on_signals() as stop, _workspace() as (folder, workspace):
        programs = _programs(settings, definitions, folder / "code.sock", workspace)
        with Supervisor(programs, _environment(settings), settings.home / "logs", say=progress) as supervisor:
            if not supervisor.start(stop, START_SECONDS):
                return 0
            out.print(f"Dagster UI: {url}  (Ctrl-C stops it; logs: {settings.home / 'logs'})")
            out.print(f"Gateway:    http://{HOST}:{settings.gateway_port}")
            _open_browser(url)
            healthy = supervisor.watch(stop)
            progress("Stopping")
            _cancel_runs(settings, folder / "code.sock")
    if not healthy:
        err.print("A part kept failing; see its log above.")
    return 0 if healthy else 1


def _cancel_runs(settings: Settings, code_socket: Path) -> None:
    """Interrupt the runs that go on in this code server: they end as cancelled, not as lost."""
    in_progress = RunsFilter(statuses=[DagsterRunStatus.STARTING, DagsterRunStatus.STARTED])
    with dagster_instance(settings) as instance:
        for run in instance.get_runs(in_progress):
            if json.loads(run.tags.get(GRPC_INFO_TAG, "{}")).get("socket") != str(code_socket):
                continue
            progress(f"Cancelling run {run.run_id} of {run.job_name}")
            instance.report_run_canceling(run)
            request = CancelExecutionRequest(run_id=run.run_id)
            try:
                DagsterGrpcClient(socket=str(code_socket)).cancel_execution(request)
            except DagsterUserCodeUnreachableError:
                return


def _programs(settings: Settings, definitions: str, code_socket: Path, workspace: Path) -> list[Program]:
    """In the order in which they start: the webserver and the daemon load the code location from its server."""
    port, gateway_port = settings.dagster_port, settings.gateway_port
    code_server = ("code-server", "start", "--socket", str(code_socket), "-m", definitions)
    webserver = ("--host", HOST, "--port", str(port), "--workspace", str(workspace))

    def program(name: str, module: str, *arguments: str, is_ready: Callable[[], bool]) -> Program:
        return Program(name, (sys.executable, "-m", DAGSTER_PROCESS, name, module, *arguments), is_ready)

    return [
        program("code_server", "dagster", *code_server, is_ready=lambda: _serves_code(code_socket)),
        program(
            "webserver", "dagster_webserver", *webserver, is_ready=lambda: _answers(f"http://{HOST}:{port}/server_info")
        ),
        program("daemon", "dagster._daemon", "run", "--workspace", str(workspace), is_ready=lambda: True),
        program("gateway", COMMAND, "gateway", is_ready=lambda: _answers(f"http://{HOST}:{gateway_port}{HEALTH_PATH}")),
    ]


def _environment(settings: Settings) -> dict[str, str]:
    """What the parts inherit: these very settings, whatever the command line changed in them."""
    values = {name: getattr(settings, name) for name in Settings.model_fields}
    plain = {
        name: value.get_secret_value() if isinstance(value, SecretStr) else value for name, value in values.items()
    }
    return {
        **os.environ,
        # Empty is unset, also where .env says otherwise.
        **{f"{PREFIX}{name.upper()}": "" if value is None else str(value) for name, value in plain.items()},
        "DAGSTER_HOME": str(dagster_home(settings)),
        "PYTHONUNBUFFERED": "1",
    }


@contextmanager
def _workspace() -> Iterator[tuple[Path, Path]]:
    """A private folder with the code server's socket-to-be and a workspace.yaml that names it.

    A socket and not a port: whoever reaches the code server can run code as this user. Below the system's
    temporary folder because a socket's path may have 107 characters at most.
    """
    with tempfile.TemporaryDirectory(prefix="leadflow-up-") as folder:
        server = {"socket": str(Path(folder) / "code.sock"), "location_name": LOCATION}
        workspace = Path(folder) / "workspace.yaml"
        workspace.write_text(yaml.safe_dump({"load_from": [{"grpc_server": server}]}))
        yield Path(folder), workspace


@contextmanager
def _stop_on_signals() -> Iterator[threading.Event]:
    stop = threading.Event()
    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, lambda *_: stop.set()) for number in signals}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _require_free_port(port: int, what: str, setting: str) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise LeadflowError(
                f"Port {port} on {HOST} cannot be used for {what}: {error.strerror}.",
                remedy=f"Stop what uses it (perhaps another `leadflow up`), or set {PREFIX}{setting}.",
            ) from error


def _answers(url: str) -> bool:
    try:
        with urlopen(url, timeout=2) as response:  # noqa: S310 - our own http address on loopback
            return bool(response.status == 200)
    except (URLError, OSError):
        return False


def _serves_code(code_socket: Path) -> bool:
    if not code_socket.exists():
        return False
    try:
        DagsterGrpcClient(socket=str(code_socket)).ping("")
    except DagsterUserCodeUnreachableError:
        return False
    return True


def _open_browser(url: str) -> None:
    has_desktop = sys.platform == "darwin" or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    if has_desktop and sys.stdout.isatty():
        webbrowser.open(url)

"""Programs side by side: started in order, started again, stopped together, gone with the one who started them."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from leadflow_pipelines.cli import supervisor
from leadflow_pipelines.cli.dagster_ui import run_up
from leadflow_pipelines.cli.supervisor import Program, Supervisor
from leadflow_pipelines.errors import LeadflowError
from leadflow_pipelines.settings import load_settings

WAIT = "import os, pathlib, time; pathlib.Path('{file}').write_text(str(os.getpid())); time.sleep(600)"
PATIENCE = 30.0


def waiting(name: str, folder: Path) -> Program:
    """A program that writes its process id into a file, is ready then, and waits."""
    file = folder / f"{name}.pid"
    return Program(name, (sys.executable, "-c", WAIT.format(file=file)), lambda: bool(pid_of(file)))


def pid_of(file: Path) -> int:
    return int(file.read_text() or 0) if file.exists() else 0


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z" if Path("/proc/self/stat").exists() else True


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def stop() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


def supervise(programs: list[Program], folder: Path, said: list[str]) -> Supervisor:
    return Supervisor(programs, os.environ, folder / "logs", say=said.append)


def test_programs_start_in_order_and_end_with_the_block(tmp_path: Path, said: list[str], stop: threading.Event) -> None:
    programs = [waiting("code_server", tmp_path), waiting("webserver", tmp_path)]
    with supervise(programs, tmp_path, said) as watched:
        assert watched.start(stop, PATIENCE)
        pids = [pid_of(tmp_path / f"{program.name}.pid") for program in programs]
        assert all(is_running(pid) for pid in pids)
    assert said == ["Starting the code server", "Starting the webserver"]
    assert not any(is_running(pid) for pid in pids)


def test_one_that_does_not_start_is_an_error_with_the_end_of_its_log(
    tmp_path: Path, said: list[str], stop: threading.Event
) -> None:
    broken = Program("webserver", (sys.executable, "-c", "raise SystemExit('no such module')"), lambda: False)
    with (
        pytest.raises(LeadflowError, match=r"The webserver did not start.\n *no such module") as raised,
        supervise([waiting("code_server", tmp_path), broken], tmp_path, said) as watched,
    ):
        watched.start(stop, PATIENCE)
    assert "webserver.log" in str(raised.value.remedy)
    assert not is_running(pid_of(tmp_path / "code_server.pid"))


def test_one_that_ends_is_started_again(
    tmp_path: Path, said: list[str], stop: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "LONGEST_PAUSE_SECONDS", 0.0)
    file = tmp_path / "daemon.pid"
    with supervise([waiting("daemon", tmp_path)], tmp_path, said) as watched:
        watched.start(stop, PATIENCE)
        first = pid_of(file)
        thread = threading.Thread(target=watched.watch, args=(stop,))
        thread.start()
        os.kill(first, signal.SIGKILL)
        until(lambda: pid_of(file) not in (0, first))
        stop.set()
        thread.join()
    assert said[-1] == "Starting the daemon again"
    assert "ended (code -9)" in said[-2]


def test_one_that_fails_again_and_again_ends_the_watch(
    tmp_path: Path, said: list[str], stop: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "LONGEST_PAUSE_SECONDS", 0.0)
    failing = Program("daemon", (sys.executable, "-c", "raise SystemExit(3)"), lambda: True)
    with supervise([failing], tmp_path, said) as watched:
        watched.start(stop, PATIENCE)
        assert watched.watch(stop) is False
    assert len([text for text in said if "ended (code 3)" in text]) == supervisor.MOST_FAILURES


def test_a_start_can_be_interrupted(tmp_path: Path, said: list[str], stop: threading.Event) -> None:
    never = Program("webserver", (sys.executable, "-c", "import time; time.sleep(600)"), lambda: False)
    stop.set()
    with supervise([never], tmp_path, said) as watched:
        assert watched.start(stop, PATIENCE) is False


def test_a_dagster_process_ends_when_the_one_who_started_it_is_killed(tmp_path: Path) -> None:
    """`leadflow up` cannot stop anything when it is killed itself: each part watches its standard input."""
    (tmp_path / "part_that_waits.py").write_text(
        "import os, pathlib, time\n"
        f"pathlib.Path({str(tmp_path / 'part.pid')!r}).write_text(str(os.getpid()))\n"
        "time.sleep(600)\n"
    )
    starter = (
        "import subprocess, sys, time\n"
        "command = [sys.executable, '-m', 'leadflow_pipelines.cli.dagster_process', 'daemon', 'part_that_waits']\n"
        "part = subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)\n"
        "time.sleep(600)\n"
    )
    environment = {**os.environ, "LEADFLOW_HOME": str(tmp_path / "home"), "PYTHONPATH": str(tmp_path)}
    with subprocess.Popen([sys.executable, "-c", starter], env=environment) as parent:
        until(lambda: pid_of(tmp_path / "part.pid"))
        part = pid_of(tmp_path / "part.pid")
        parent.kill()
    until(lambda: not is_running(part))


def test_a_taken_port_is_named_with_the_setting_that_moves_it(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(LeadflowError, match=f"Port {port} .*LEADFLOW_DAGSTER_PORT"):
            run_up(load_settings(home=tmp_path, dagster_port=port))

"""A sandbox as a child process: started on a free port, ready when entered, gone when left or when we die."""

import os
import ssl
import subprocess
import sys
import threading
from collections.abc import Collection, Mapping
from types import TracebackType
from typing import Any, Self

import httpx
import orjson

from leadflow_pipelines.errors import LeadflowError
from leadflow_pipelines.providers.sandbox.server import FAULTS_PATH, LEDGER_PATH
from leadflow_pipelines.providers.sandbox.vendors import VENDOR_NAMES, load_vendors
from leadflow_pipelines.settings import PREFIX

READY_SECONDS = 20.0
DEMO_VENDORS = ("attom", "batchdata")
"""Whom a demo run asks: one that knows properties, one that knows people."""


class SandboxProcess:
    """`with SandboxProcess() as sandbox: load_settings(**sandbox.settings_overrides())`."""

    def __init__(
        self,
        *,
        records_per_zip: int = 250,
        seed: int = 1,
        page_cap: int = 1000,
        today: str | None = None,
        calls_per_second: Mapping[str, float] | None = None,
        vendors: Collection[str] = VENDOR_NAMES,
    ) -> None:
        self._arguments = [
            f"--records-per-zip={records_per_zip}",
            f"--seed={seed}",
            f"--page-cap={page_cap}",
            *([f"--today={today}"] if today else []),
            f"--vendors={','.join(vendors)}",
            *(f"--calls-per-second={name}={limit}" for name, limit in (calls_per_second or {}).items()),
        ]
        self._process: subprocess.Popen[bytes] | None = None
        # Plain HTTP on loopback: whose certificates to trust is never asked, and reading them takes 30 ms.
        self._http = httpx.Client(verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), timeout=READY_SECONDS)
        self.url = ""

    def start(self) -> Self:
        """Starts the child and waits until it answers. Raises LeadflowError where it does not."""
        options = ["--port=0", f"--parent={os.getpid()}", *self._arguments]
        command = [sys.executable, "-m", "leadflow_pipelines.providers.sandbox", *options]
        process = subprocess.Popen(command, stdout=subprocess.PIPE)  # noqa: S603 our own module
        self._process = process
        assert process.stdout is not None
        watchdog = threading.Timer(READY_SECONDS, process.kill)
        watchdog.start()
        line = process.stdout.readline()
        watchdog.cancel()
        if not line:
            self.stop()
            raise LeadflowError("The simulated vendors did not start.", remedy="Try `leadflow sandbox` by itself.")
        self.url = orjson.loads(line)["url"]
        return self

    def stop(self) -> None:
        """Ends the child."""
        self._http.close()
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            if self._process.stdout is not None:
                self._process.stdout.close()
            self._process = None

    def settings_overrides(self, *vendors: str) -> dict[str, str]:
        """The settings under which the clients of these vendors (the demo's, if none is named) call this sandbox."""
        return sandbox_settings(self.url, vendors or DEMO_VENDORS)

    def environment(self, *vendors: str) -> dict[str, str]:
        """The same as environment variables, for other processes."""
        return {f"{PREFIX}{name.upper()}": value for name, value in self.settings_overrides(*vendors).items()}

    def ledger(self) -> dict[str, Any]:
        """The vendors' own books: provider → calls, refused, suffered, billed, billed_by_zip, calls_by_zip."""
        books: dict[str, Any] = self._http.get(f"{self.url}{LEDGER_PATH}").raise_for_status().json()
        return books

    def clear_ledger(self) -> None:
        """Begins new books."""
        self._http.delete(f"{self.url}{LEDGER_PATH}").raise_for_status()

    def arm_fault(self, provider: str, kind: str, **details: Any) -> None:
        """Turns the fault dial of a provider (`*`: all): the next `times` calls, or a `share` of all; see `faults`."""
        fault = {"provider": provider, "kind": kind, **details}
        self._http.post(f"{self.url}{FAULTS_PATH}", json=fault).raise_for_status()

    def disarm_faults(self) -> None:
        """Removes every armed fault."""
        self._http.delete(f"{self.url}{FAULTS_PATH}").raise_for_status()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def sandbox_settings(url: str, vendors: Collection[str]) -> dict[str, str]:
    """Settings that point the clients of these vendors at the sandbox listening at `url`."""
    return {name: value for vendor in load_vendors(vendors) for name, value in vendor.settings(url).items()}

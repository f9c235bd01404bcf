"""Processes that are made to be killed, forked from one server that has imported what they run.

There is one such server in a process for good: who starts it decides what it has imported. A child that imports Polars
itself, forked from a server whose threads did not come along, hangs.
"""

import multiprocessing

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["tests.faults.racing_buyer", "tests.faults.dispatching"])

"""Processes that are made to be killed, forked from one server that has imported what they run.

There is one such server in a process for good, so whoever starts it first has to name the imports of all.
"""

import multiprocessing

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["tests.faults.racing_buyer", "tests.faults.dispatching"])

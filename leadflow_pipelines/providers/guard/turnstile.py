"""Lets requests that run at once reserve money one after the other, in the order in which they were asked for.

Without it the budget's last cents would go to whichever thread came first. Not here: the budget itself.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Turnstile:
    """Tickets 0, 1, 2, … pass in that order. Shut, it still lets them pass, but tells them to turn back."""

    def __init__(self) -> None:
        self._next = 0
        self._moved = threading.Condition()
        self.is_shut = False

    @contextmanager
    def turn(self, ticket: int) -> Iterator[None]:
        """Waits for the ticket's turn, which lasts as long as the block."""
        with self._moved:
            self._moved.wait_for(lambda: self._next == ticket)
        try:
            yield
        finally:
            with self._moved:
                self._next += 1
                self._moved.notify_all()

"""Fixtures for tests that buy from simulated vendors; they are written in `shop`."""

from tests.shop import sandbox, shop, vendors

__all__ = ["sandbox", "shop", "vendors"]

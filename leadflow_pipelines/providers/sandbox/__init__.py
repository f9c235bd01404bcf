"""Simulated vendors over HTTP on loopback, in the shapes of the real ones, with people who do not exist.

Every person is invented, every phone is a 555-01xx number and every e-mail lies under `.example`. Not here:
clients of the vendors, which cannot tell this from the real thing. Nothing is imported here, so that the child
process starts at once: take `SandboxProcess` from `process` and `run_sandbox` from `server`.
"""

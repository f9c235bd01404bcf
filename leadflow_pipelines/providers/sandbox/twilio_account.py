"""The simulated Twilio account: known to the simulator, and to those who must keep real orgs away from it."""

ACCOUNT_SID = "AC" + "5a" * 16
AUTH_TOKEN = "sandbox-twilio-token"  # noqa: S105 of nobody

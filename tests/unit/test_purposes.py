"""Which purposes are refused: whatever decides about credit, housing, employment or insurance, however it is put."""

import pytest

from leadflow_pipelines.clearance.attestations import PURPOSES
from leadflow_pipelines.compliance.purposes import MARKETING, lawful
from leadflow_pipelines.errors import InvalidInput

ELIGIBILITY = (
    "credit", "housing", "employment", "insurance",
    "tenant screening", "tenant_screening", "TenantScreening", "Tenant-check", "rental application review",
    "screen renters", "lease approval", "apartment applicants", "housing assistance", "roommate vetting",
    "eviction history", "lending", "loan underwriting", "home loans", "mortgage approval", "mortgage pre-qualification",
    "micro-lending", "refinance decisions", "credit-worthiness", "créditworthiness", "debt collection",
    "find borrowers",
    "background check", "back ground checks", "BACKGROUND_CHECK", "hiring", "pre-hire vetting", "job applications",
    "recruiting", "employee promotion", "staffing", "insurance pricing", "policy risk pricing", "underwriting",
    "coverage decisions", "benefits eligibility", "eligibility", "pre-screening", "consumer report", "adverse action",
    "verificación de inquilinos", "préstamos", "seguros", "crédito", "empleo",
)  # fmt: skip
MAY_PASS = (
    MARKETING, *PURPOSES, "buying houses", "home purchase offers", "listing outreach", "offers to landlords",
    "buying rental houses", "cash offers for rental property", "acquisition of apartments",
    "letters to owners in pre-foreclosure", "open house invitations", "houses with a paid-off mortgage",
    "outreach in New Hampshire", "spring calendar of open houses", "offers to accredited investors",
    "Sloan Street farm",
    "brokerage of real property", "follow-up on expired listings", "homes near current listings", "marketing_2026",
)  # fmt: skip


@pytest.mark.parametrize("purpose", ELIGIBILITY)
def test_a_decision_about_somebody_is_no_purpose(purpose: str) -> None:
    with pytest.raises(InvalidInput, match="eligibility"):
        lawful(purpose)


@pytest.mark.parametrize("purpose", MAY_PASS)
def test_reaching_owners_is_one(purpose: str) -> None:
    assert lawful(purpose) == purpose

"""For what contacts are cleared and people looked up: never to decide who gets credit, housing, work or insurance.

Data that serves such a decision is a consumer report (15 USC 1681a(d), 1681b), and LeadFlow is no consumer reporting
agency. A purpose is free text, so it is judged by its words; what is doubtful is refused. Not here: the exact purposes
that a look-up may be attested for (`clearance/attestations`).
"""

import re
import unicodedata

from leadflow_pipelines.errors import InvalidInput

MARKETING = "marketing"
"""The purpose a consent must have been given for, unless the caller names another."""

WHEREVER = re.compile(
    r"(?<!ac)credit|housing|employ|insur(?!gen)|underwrit|(?<!b)lending|(?<!lieu)tenan[ct]|screening|backgroundcheck"
    r"|eligib|consumerreport|adverseaction|worthiness|inquilin|arrendatari|prestamo"
)
"""In the letters alone, so that spaces, hyphens and joined words make no difference; parts of other words left out."""

AS_WORDS = re.compile(
    r"\b(lend|lends|lenders?|loans?|borrow\w*|refinanc\w*|debts?|debtors?|collections?|renters?|lessees?|roommates?"
    r"|evictions?|evict|hire|hires|hired|hiring|recruit\w*|staffing|payroll|candidates?|applicants?|screen|screens"
    r"|prescreen\w*|vet|vetting|empleos?|seguros?|credito)\b"
)

DECIDED_ABOUT = (
    r"\b(rent|rents|rental|rentals|lease|leases|leasing|apartments?|mortgages?|heloc|jobs?|work|workers?|staff|policy"
    r"|policies|coverage|benefits?|welfare|licen[cs]es?|admissions?)\b"
)
BY_DECIDING = (
    r"\b(appl(y|ies|ications?)|approv\w*|decisions?|decid\w*|qualif\w*|checks?|checking|verif\w*|risks?|histor(y|ies)"
    r"|pricing|originat\w*|denials?|den(y|ies|ied)|reports?)\b"
)
DECISIONS = re.compile(f"{DECIDED_ABOUT}.*{BY_DECIDING}|{BY_DECIDING}.*{DECIDED_ABOUT}")
"""What may be marketed, such as rental houses, but is not to be decided about."""


def lawful(purpose: str) -> str:
    """The purpose, if it is no decision about somebody's eligibility. Raises InvalidInput."""
    words = _words(purpose)
    if WHEREVER.search(words.replace(" ", "")) or AS_WORDS.search(words) or DECISIONS.search(words):
        raise InvalidInput(
            f"{purpose!r} is no purpose here: data of LeadFlow must not decide about anybody's eligibility, be it for "
            "credit, housing, employment or insurance.",
            remedy="Ask a consumer reporting agency for that (15 USC 1681b). To reach owners, write `marketing`.",
        )
    return purpose


def _words(purpose: str) -> str:
    """Small letters without accents, words apart, also those that are joined by capitals: TenantCheck."""
    plain = "".join(one for one in unicodedata.normalize("NFKD", purpose) if not unicodedata.combining(one))
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", plain)
    return " ".join(re.findall(r"[a-z]+", apart.lower()))

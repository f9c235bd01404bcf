"""What kind of owner a name denotes. Only the kind leaves this module, nothing about a person."""

import polars as pl

_PUBLIC = (
    r"\b(?:CITY|TOWN|VILLAGE|COUNTY|STATE|COMMONWEALTH|BOROUGH) OF\b|\bUNITED STATES\b|\bHOUSING AUTH|"
    r"\bSCHOOL DIST|\bBOARD OF EDUCATION\b|\bDEP(?:ARTMEN)?T OF\b|\bMETRO(?:POLITAN)? GOV|\bLAND BANK\b|"
    r"\bREDEVELOPMENT AUTH|\bTRANSIT AUTH|\bHUD\b|\b(?:COUNTY|CITY) GOV"
)
_TRUST = r"\bTRUST(?:EES?|S)?\b|\b(?:LIVING|FAMILY|REV(?:OCABLE)?|IRREV(?:OCABLE)?) TR\b|\bTR(?:S|EES?)?$|\bTTEES?\b"
_COMPANY = (
    r"\bL\.? ?L\.? ?C\b|\bINC(?:ORPORATED)?\b|\bCORP(?:ORATION)?\b|\bL\.? ?L?\.? ?P\b|\bLTD\b|\bCOMPANY\b|\bCO$|"
    r"\bPARTNERS(?:HIP)?\b|\bHOLDINGS?\b|\bPROPERT(?:Y|IES)\b|\bINVESTMENTS?\b|\bINVESTORS?\b|\bREALTY\b|\bHOMES\b|"
    r"\bBANK\b|\bN\.?A\.?$|\bMORTGAGE\b|\bASSOC(?:IATION|IATES|S)?\b|\bVENTURES?\b|\bCAPITAL\b|\bGROUP\b|\bFUND\b|"
    r"\bENTERPRISES?\b|\bCHURCH OF\b|\b(?:BAPTIST|METHODIST|CATHOLIC|LUTHERAN) CHURCH\b|\bMINISTR(?:Y|IES)\b|"
    r"\bFOUNDATION\b|\bUNIVERSITY\b|\bDEVELOP(?:ERS|MENT)\b|\bCONSTRUCTION\b|\bBUILDERS?\b|\bAPARTMENTS\b|"
    r"\bCONDOMINIUMS?\b|\bREIT\b|\bRENTALS?\b|\bMANAGEMENT\b"
)


def owner_type(name: pl.Expr) -> pl.Expr:
    """person, company, trust, public, or unknown where the name is null or blank.

    Trusts go before companies ("Example Bank Trustee" is a trust); a name that fits none is a person's.
    """
    upper = name.str.to_uppercase().str.strip_chars()
    return (
        pl.when(upper.is_null() | (upper == ""))
        .then(pl.lit("unknown"))
        .when(upper.str.contains(_PUBLIC))
        .then(pl.lit("public"))
        .when(upper.str.contains(_TRUST))
        .then(pl.lit("trust"))
        .when(upper.str.contains(_COMPANY))
        .then(pl.lit("company"))
        .otherwise(pl.lit("person"))
    )

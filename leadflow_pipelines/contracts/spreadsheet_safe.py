"""Text that opens in a spreadsheet as text.

A cell that begins with =, +, -, @, a tab or a carriage return is run as a formula by spreadsheets, and owner
names and addresses come from outside (OWASP, CSV injection).
"""

import polars as pl

_STARTS_A_FORMULA = r"^[\s\x00]*[=+\-@\t\r＝＋－＠]"


def neutralise_formulas(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with an apostrophe before every text cell that a spreadsheet would run; numbers stay numbers."""
    texts = [pl.col(name) for name, dtype in frame.schema.items() if dtype == pl.String]
    return frame.with_columns(
        pl.when(text.str.contains(_STARTS_A_FORMULA)).then(pl.lit("'") + text).otherwise(text).name.keep()
        for text in texts
    )

"""Contract of trained models: every version, what it was judged by, and whether it serves."""

import pandera.polars as pa
import polars as pl

from leadflow_pipelines.contracts import shared_columns as shared
from leadflow_pipelines.contracts.contract import UTC_INSTANT, Contract, column

VERDICTS = ("promoted", "kept_back", "no_history")

MODEL_VERSIONS = Contract(
    name="model_versions",
    text="Every model trained for the org: from which sales, how it did on the newest closed window, and whether it "
    "was promoted. The newest promoted one of a kind serves.",
    columns={
        "zip": column(pl.String, "Always `unlocated`: a model is of the whole lake.", shared.ZIP_OR_UNLOCATED,
                      required=True),
        "day": column(pl.Date, "Day of the training: nothing that the lake learned of later was used.", required=True),
        "kind": column(pl.String, "motivation or value.", pa.Check.isin(["motivation", "value"]), required=True),
        "version": column(pl.String, "Kind, day and a hash of the artefact.", required=True),
        "verdict": column(
            pl.String, "promoted, kept_back, or no_history where there was nothing to judge it by.",
            pa.Check.isin(list(VERDICTS)), required=True,
        ),
        "because": column(pl.String, "Why, in words.", required=True),
        "first_sale": column(pl.Date, "First sale it learned from."),
        "last_sale": column(pl.Date, "Last sale it learned from; strays after window_end are left out."),
        "sales": column(pl.Int64, "Dated sales it learned from.", pa.Check.ge(0), required=True),
        "markets": column(pl.List(pl.String), "Counties with sales enough for it to be used there.", required=True),
        "window_start": column(pl.Date, "First day of the window it was judged on."),
        "window_end": column(pl.Date, "Day after the window's last: where the sales on record end, and what the "
                             "model was fitted as of."),
        "metrics": column(pl.String, "Figures on that window, its rivals' beside; one JSON object.", required=True),
        "card": column(pl.String, "The model card, as Markdown.", required=True),
        "sha256": column(pl.String, "SHA-256 of the artefact's manifest, which names those of its files; null without "
                         "an artefact."),
        "trained_at": column(UTC_INSTANT, "When it was trained.", required=True),
        "run_id": shared.RUN_ID,
    },
    key=("day", "kind", "version"),
    volatile=("trained_at", "run_id"),
)  # fmt: skip

"""Those who carry messages, each behind the same few calls (`messenger`). When and to whom is not decided here."""

"""One module per performance claim. `leadflow bench NAME` runs `bench/NAME.py` and prints its figures."""

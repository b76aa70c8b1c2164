"""How hard the tests look that try whatever a parser may be given."""

import os

FUZZ = int(os.environ.get("FUZZ", "1"))
"""How many times as many examples as in every run: `make fuzz` has a whole night."""

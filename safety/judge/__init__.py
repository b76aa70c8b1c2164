"""The third tier: a model that is asked over HTTP."""

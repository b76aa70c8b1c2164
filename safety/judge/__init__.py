"""The judge: a model that is asked over HTTP."""

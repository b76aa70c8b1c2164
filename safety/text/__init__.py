"""Texts: normalised, varied, cut into pieces, quoted, released. Knows no rule and no policy."""

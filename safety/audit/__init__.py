"""The audit log, which says who, when, which rule and which action; never the text."""

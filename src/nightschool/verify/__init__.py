"""Verifiers: they grade one answer to one item, and say `unscored` when they cannot tell."""

"""Evaluations: each observes a model on one axis, then measures what was observed."""

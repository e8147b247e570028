"""Metrics: pure functions on tensors, each with its formula, direction and source."""

"""Anomaly scores: fitted on training outputs; higher = more anomalous, everywhere."""

"""Objectives: (model, batch, generator) -> loss."""

"""Attacks: (model, x, y, generator) -> x_adv, inside a ball around x and inside [0, 1]."""

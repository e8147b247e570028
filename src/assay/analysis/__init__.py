"""What the numbers of a zoo say: differences, trade-offs, rankings, claims. Reads results, computes no model anew."""

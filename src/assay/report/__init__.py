"""Reports: pages drawn from the store alone."""

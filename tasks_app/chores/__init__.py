"""Jobs about tasks themselves; found by their place, as those in `jobs/`."""

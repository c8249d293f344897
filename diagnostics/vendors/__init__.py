"""Applications that live beside us: what of theirs is watched, as data. `python -m diagnostics check --watch nginx`."""

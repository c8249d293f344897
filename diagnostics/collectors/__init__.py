"""Collectors: one subject a file. Each asks the machine, then parses what came with pure code."""

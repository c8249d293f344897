"""Checks: one subject a file, pure: observations and history in, findings out. `catalogue.py` lists them."""

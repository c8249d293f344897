"""`bellpull-agent`: one file a command; main.py lists them."""

from agent.cli.main import main

__all__ = ["main"]

"""`bellpull …`: one file a command group; cli.py puts them together."""

"""The agent's one SQLite file and what every room keeps in it."""

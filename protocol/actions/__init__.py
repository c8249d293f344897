"""What a session can do: one action a file (name, scope, risk, argument model), listed once in catalogue.py.

Agent and technician share the naming; the doing is in agent/session/actions/, one file of the same name each.
Results are opaque items or bytes to this package.
"""

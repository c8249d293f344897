"""This device's own tickets: store.py (signed here, kept here), automatic.py (findings that open and end them),
desk.py (what the desk says: shown, verified only where it is signed), verbs.py (local).
"""

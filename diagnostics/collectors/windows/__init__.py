"""Windows' own sources, one file a source: PowerShell's answers, the event log, and three programs.

Each reader gives the same observation as its Linux neighbour above; the neighbour asks it where the machine is a
Windows. Written after the documentation; proven on composed machines only.
"""

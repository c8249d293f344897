"""The doing of each action, one file each under the same name as in protocol/actions; catalogue.py lists them.

All of it runs in the session host, in a process of its own for each action, on redacted data only: whatever leaves a
`Workbench` has gone through the redactor.
"""

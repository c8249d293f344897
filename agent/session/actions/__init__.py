"""The doing of each action, one file each under the same name as in protocol/actions; catalogue.py lists them.

All of it runs in the session host, in a process of its own for each action. What is looked at leaves through
`Workbench.row` and with it through the redactor. A file that was asked for and a terminal go as they are: that is what
their scopes say.
"""

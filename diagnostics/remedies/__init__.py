"""Remedies: a fix is a transaction that ends finished or rolled back, also when its worker is killed.

`remedy` has the words, `transaction` the order of steps, `journal` the records that decide after a crash, `budget`
when one may run, `catalogue` which there are. Chosen: journal and plain renames, so that going back needs no copy.
Not chosen: scripts from anywhere, and remedies that cannot say beforehand exactly what they will do.
"""

"""Mending: fixes that this computer can do itself, each a transaction that the customer saw and agreed to,
or, of the safe ones, that the owner's policy lets run without asking.

mending.py       in the service: what may run, previews, consent, open runs carried on, the step journal's only writer
worker.py        a process of its own that does the acts; it writes no record itself, the service does, before each act
remedy_process.py  starts it: in machine mode under systemd in a unit of its own, beside the hardened one of the service
policy.py        what the owner lets run without asking, when, how often; the stop for all
step_journal.py  the journal, and the policy, in the agent's database
talk.py          what the two say to each other
verbs.py         the local verbs

The worker outlives a stopped visit: it finishes, or rolls back, and never leaves half. When it dies, or the service
does, the next start ends the run by its last record.
"""

"""Who this device is and whom it answers to: keys in files, enrolment once, trust that only rises.

enrol.py writes identity/, identity.py reads it, trust_store.py keeps what protocol.trust decides (on the disk before
it is believed), following.py shows it what the link brings. A second organisation is refused for ever.
"""

"""Books and proofs: what was done here, provable without believing this device, the server or the technician alone.

journal_store.py  the device's journal on disk: append-only, hash-chained, values kept apart from their commitments
books.py          one visit's bookkeeping: journal entry, audit entry and the grant's own rows in one transaction
receipts.py       exactly one receipt for each grant, also after a crash (then marked rebuilt)
witness.py        the last checkpoint of the server's log, extended only by proof, cosigned, compared with a peer's
"""

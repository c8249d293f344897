"""What changed on a machine, and which change stood before a problem.

    collectors ─▶ watched.py (items by name) ─▶ compare.py (before, after ─▶ changes) ─▶ store.py keeps both
                                                                   └─▶ rank.py: into `Finding.changes`

Nothing is asked twice: a subject is compared when a check of the same look reads its collector anyway.
"""

"""Looking at the machine on its own schedule: watch.py (the loop), schedule.py and report.py (pure), worker.py (the
child that looks, with checks, suppression and known issues), finding_store.py (what was seen), verbs.py (local).
"""

"""Looking at the machine on its own schedule: watch.py (the loop), schedule.py, waiting.py and report.py (pure),
situation.py (power, link, load), worker.py (the child that looks, with checks, suppression and known issues),
finding_store.py (what was seen), verbs.py (local).
"""

"""Consent: whether the person at the machine is asked, what they are shown, and what their answer means.

policy.py      decides (pure) · prompt_text.py writes the question (pure) · gate.py holds the open questions
asked.py       a question as every surface needs it; surfaces.py brings it to the person:
               window.py (tkinter, a process by itself; after a yes banner.py) · native_box.py (the system's own box)
               approval_page.py (a process and an origin of its own) · agent/cli/consent.py.
               All only carry an answer to the gate.
desktop_helper.py      in each person's desktop session, for a service of the machine that has no desktop of its own
telling.py     what was done, in plain words: the sentences of page, terminal and receipts in one place (pure)
freeze.py      abuse was reported: nobody comes in · unattended.py what the owner signed for when nobody is here
codes.py       a technician gave me a code: the customer begins the visit
tables.py      keeps every question over restarts · verbs.py, abuse_verbs.py, policy_verbs.py the local verbs
"""

"""Consent: whether the person at the machine is asked, what they are shown, and what their answer means.

policy.py decides (pure), prompt_text.py writes the words (pure), gate.py holds the open questions and their clock,
tables.py keeps every question over restarts. Ways to answer: the command line (agent/cli/consent.py) and the approval
page, a process and an origin of its own (approval_page.py). Both only carry an answer to the gate.
"""

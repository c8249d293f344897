"""The tabs of a visit: one file and one template each, listed once in catalogue.py.

spec.py        what a tab is: its acts, what they need, what its template is given
fields.py      form fields as typed values, with words for what is wrong
catalogue.py   all of them, in the order they stand
"""

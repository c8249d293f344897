"""People who use the console: accounts, sign-in, roles. Nothing here has power over a device.

rules.py      roles, names, how long a sign-in lasts, how guessing is slowed; which page is for whom stands in access.py
reach.py      a technician sees the customers in their certificate, proven at every request
passwords.py  Argon2id, two at a time
store.py      accounts, sessions, one-use links, failures: tokens as hashes, everything read anew at each request
door.py       each request against the table; the cookie; the token in forms
forms.py      what a posted form may be
sign_in.py pages.py   the pages; commands.py   `bellpull-server user …`

Chosen: server-side sessions, so that ending one ends it. Not here yet: TOTP, passkeys, single sign-on.
"""

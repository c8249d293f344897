"""People who use the console: accounts, sign-in, roles. Nothing here has power over a device.

../access.py  which route is for whom: the whole table, for console and /api
rules.py      roles, names, how long a sign-in lasts, how guessing is slowed
reach.py      a technician sees the customers in their certificate, proven at every request
store.py      accounts, sessions, one-use links: tokens as hashes, everything read anew at each request
attempts.py   failed sign-ins, counted by account and by address before anything is looked at
door.py       each request against the table; the cookies; the token in forms; who must set up a second factor first
forms.py      what a posted form may be
passwords.py  Argon2id, two at a time
factors.py    codes of an app (totp.py, RFC 6238; their secrets sealed by sealing.py) and recovery codes
passkeys.py   WebAuthn: both factors at once, bound to the host; the browser's side is console/static/passkeys.js
entering.py   from a first factor to a session; sign_in.py and second_step.py are its pages
own_account.py pages.py    one's own account; the accounts of others, for admins
tokens.py     API tokens: they read, within scopes and customers, never above their maker (token_rules.py)
commands.py token_commands.py    `bellpull-server user …`, `user token …`

Chosen: server-side sessions, so that ending one ends it. A passkey always asks who is there, so that it stands alone.
Chosen not: tokens that change something, or that are good for all customers. Not here yet: single sign-on.
"""

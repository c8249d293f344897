"""Who hears of what happens to a ticket: rules.py (pure), store.py (notices and mails waiting), mail.py (SMTP)."""

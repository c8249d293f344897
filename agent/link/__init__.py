"""The one outbound connection: link.py (life, login, outbox pump), connection.py (the WebSocket), backoff.py (pure),
outbox.py (what must not be lost), hearing.py and questions.py (who gets what comes in), uploads.py with upload.py
(bundles, carried by a child). Anything that comes in is parsed strictly and changes nothing by itself.
"""

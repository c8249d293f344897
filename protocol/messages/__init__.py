"""The control link's messages: one subject a file, discriminated by `type`; parsed in link.py.

    agent                                             server
                         ◄─────────────── challenge   nonce, on connect
    login ──────────────►                             device-login statement within 5 s
                         ◄─────────────── welcome     newest checkpoint, versions of documents it has
    fetch-documents ────►  ◄──────────── documents    only what is newer
    item ───────────────►  ◄──── stored | refused     at least once, inserted once per (device, id)
    upload-request ─────►  ◄──── upload-granted       then HTTP: HEAD offset, PATCH at offset
                         ◄─────────── session-offer   a room and a token; proves nothing
                         ◄──── checkpoint  cosigned ─► witness
    heartbeat ──────────►  ◄─────────────── closing   with retry_after_s

Nothing a server can say changes consent, policy, schedule or trust.
"""

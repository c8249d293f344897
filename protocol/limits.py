"""Every size, time and count that the wire or a person meets, each with its reason.

Names end in their unit: `_BYTES`, `_CHARS`, `_S` (seconds), `_MAX` (a count). Numbers that two sides must
agree on are part of protocol version 1: changing one is a new version. None is read from configuration.
"""

from typing import Final

KIB: Final = 1024
MIB: Final = 1024 * KIB
HOUR_S: Final = 3600

# --- Statements and JSON ---------------------------------------------------------------------------------

# A statement is parsed only after its signature holds, but it must be held in memory before that.
STATEMENT_MAX_BYTES: Final = 64 * KIB
# Known-issue packs are the one large statement: hundreds of issues, explained in two languages.
PACK_STATEMENT_MAX_BYTES: Final = 1 * MIB
# Conditions of a known issue nest deepest (pack → issue → when → all → any → not → fact); twice that will do.
JSON_MAX_DEPTH: Final = 16
# Exactly root → issuer → leaf.
CERTIFICATE_CHAIN_LENGTH: Final = 3

# --- Control link ----------------------------------------------------------------------------------------

# A pack of the greatest size in base64 (4/3 of it), its signature and its issuer's certificate.
DOCUMENT_MAX_BYTES: Final = 2 * PACK_STATEMENT_MAX_BYTES
# A document that fits no message travels in parts; in base64 one fits a message with room to spare.
DOCUMENT_PART_BYTES: Final = 128 * KIB
# A login is one statement over a nonce and an origin: about 900 bytes. It is read from strangers.
LOGIN_MAX_BYTES: Final = 4 * KIB
# A stranger who says nothing must not hold a socket.
LOGIN_TIMEOUT_S: Final = 5
# The server's challenge in a login; also the nonce in a session request.
NONCE_BYTES: Final = 32
# One JSON text message on the control link; holds an item with room for its envelope in base64.
SYMPTOMS_MAX_BYTES: Final = 2 * KIB  # the first stage of asking for help: codes and pseudonyms of a handful of findings
CONTROL_MESSAGE_MAX_BYTES: Final = 256 * KIB
# The body of one item; larger evidence travels by upload.
ITEM_BODY_MAX_BYTES: Final = 128 * KIB
# Below the 60 s after which common proxies cut a silent connection; two missed fit into them.
HEARTBEAT_S: Final = 30
# ± this share of HEARTBEAT_S, so that agents cut at one moment do not beat at one moment.
HEARTBEAT_SPLAY: Final = 0.2
# A peer that is silent (nothing reset) this long is gone: one heartbeat at its latest, and half of one.
HALF_OPEN_S: Final = 45
# Full jitter over min(cap, base · 2^attempt).
BACKOFF_BASE_S: Final = 1
BACKOFF_CAP_S: Final = 300
# A closing server may name when to come back; a hostile one must not be able to say "next year".
RETRY_AFTER_CAP_S: Final = 900
# Items unacknowledged at one time on the link; the rest waits on disk.
OUTBOX_IN_FLIGHT_MAX: Final = 32
# What one agent may keep in its outbox while the server is away (bounded everywhere: 24 h offline is a test).
OUTBOX_MAX_BYTES: Final = 200 * MIB

# --- Uploads and bundles ---------------------------------------------------------------------------------

# After a cut connection at most one chunk is sent again.
UPLOAD_CHUNK_BYTES: Final = 1 * MIB
# Collectors stop adding at the soft cap; the manifest says what was left out.
BUNDLE_SOFT_CAP_BYTES: Final = 25 * MIB
# A server or reader refuses anything larger: soft cap, one file that crossed it, and the container around it.
BUNDLE_HARD_CAP_BYTES: Final = 32 * MIB
# An upload token is for one bundle and lives for minutes.
UPLOAD_TOKEN_S: Final = 900
# Evidence sealed with a ticket and sent as an item rather than as a bundle.
SEALED_BLOB_MAX_BYTES: Final = ITEM_BODY_MAX_BYTES
# A note of WORDS_MAX_CHARS, escaped at worst, with its signature and its author's chain, for a dozen recipients.
NOTE_SEALED_MAX_BYTES: Final = 64 * KIB

# --- Relay -----------------------------------------------------------------------------------------------

# A Noise message is at most this long, tag included; the relay knows nothing else about it.
RELAY_MESSAGE_MAX_BYTES: Final = 65_535
# Per direction: one stream window. A full queue stops reading from the sender; nothing is dropped.
RELAY_QUEUE_BYTES: Final = 256 * KIB
# A receiver that takes nothing for this long is closed, and the sender with it, with a reason.
RELAY_STUCK_S: Final = 15
# A join token is handed out, used once and gone; the customer's prompt does not fall into this time.
JOIN_TOKEN_S: Final = 60
# How long a room waits with one side in it.
ROOM_WAIT_S: Final = 60

# --- Handshake, records, streams -------------------------------------------------------------------------

# Noise revision 34, section 3: a message is at most 65 535 bytes, tag included.
NOISE_MESSAGE_MAX_BYTES: Final = 65_535
AEAD_TAG_BYTES: Final = 16
# Message 3 must come soon after message 1; until then the agent has verified nobody.
HANDSHAKE_TIMEOUT_S: Final = 15
# What one record can carry: a Noise message without its tag.
RECORD_PLAINTEXT_MAX_BYTES: Final = NOISE_MESSAGE_MAX_BYTES - AEAD_TAG_BYTES
# A frame never spans records: a record without its type byte and the frame's header of 9.
FRAME_PAYLOAD_MAX_BYTES: Final = RECORD_PLAINTEXT_MAX_BYTES - 1 - 9
# Far below the 2^24.5 full-size records after which AES-GCM under one key loses its margin (RFC 8446, 5.5).
REKEY_RECORDS: Final = 1 << 20
# A key that leaks opens at most this much of a session.
REKEY_S: Final = 900
# A screen of log text and more; with 100 ms to the other side it allows 2.6 MB/s a stream.
STREAM_WINDOW_BYTES: Final = 256 * KIB
# Both ends together; each costs at most one window of memory a direction.
STREAMS_OPEN_MAX: Final = 256
# Counted by who opened: two ends that open at one moment could not agree on a common count.
STREAMS_OPEN_MAX_EACH: Final = STREAMS_OPEN_MAX // 2
# Credit is given back in steps of this size: not a frame for every key pressed, never less than 3/4 of a window.
CREDIT_STEP_BYTES: Final = 64 * KIB
# Stream ids are u32 and never reused.
STREAM_ID_MAX: Final = 0xFFFF_FFFF

# --- Consent and sessions --------------------------------------------------------------------------------

# No answer is a no.
CONSENT_TIMEOUT_S: Final = 120
# Prompt spam makes people say yes; counted per device and kept over restarts.
PROMPTS_AN_HOUR: Final = 3
REFUSAL_COOLDOWN_S: Final = 1800
# A customer who has just asked for help may be prompted in spite of both.
LOCAL_ACT_FRESH_S: Final = 600
# Time to read the warning before Yes can be pressed.
RISK3_WAIT_S: Final = 5
# The technician's reason, quoted in the prompt: it must not push our own words off the screen.
REASON_MAX_CHARS: Final = 200
# Words people address to the desk.
WORDS_MAX_CHARS: Final = 4000
# Nobody sits through more; a longer visit asks again.
SESSION_MINUTES_MAX: Final = 240
# After a cut connection the technician may come back into the same grant within this time.
RESUME_WINDOW_S: Final = 300
# A visit that is cut and taken up again more often than this is being cut on purpose: then the customer is asked anew.
RESUMES_MAX: Final = 16
# Customer presses Stop: the session is dead within the first, its children within the second.
STOP_S: Final = 1
STOP_CHILDREN_S: Final = 3

# --- Trust and clocks ------------------------------------------------------------------------------------

# Revocations are re-signed daily: older than three days means somebody withholds them.
REVOCATIONS_FRESH_S: Final = 72 * HOUR_S
ENROLMENT_TOKEN_S: Final = 24 * HOUR_S
ENROLMENT_SECRET_BYTES: Final = 32
# A wall clock that leaps further ahead than this is not believed until a second source agrees.
CLOCK_JUMP_HOLD_S: Final = 24 * HOUR_S
# How far in the future a peer's time may lie: clocks of honest machines differ.
CLOCK_SKEW_S: Final = 300
# A signed note (checkpoint with cosignatures): 100 bytes of text and about 120 for each signature.
NOTE_MAX_BYTES: Final = 64 * KIB
# A proof in a tree of 2^63 leaves has at most 63 hashes for inclusion and 64 for consistency.
PROOF_HASHES_MAX: Final = 64

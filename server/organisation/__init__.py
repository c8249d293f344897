"""The organisation this server serves: pinned once, its documents with their floors, its way to sign in."""

"""The server's log, watched and checked from outside: checkpoints as they come, whole exports, receipts."""

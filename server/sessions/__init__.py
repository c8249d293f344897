"""Sessions as the server sees them: who asked for which room, sizes and times, and what the device wrote in the log."""

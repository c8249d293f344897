"""Tickets: signed by devices, one open for each finding and device, four facts that are never empty."""

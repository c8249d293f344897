"""The relay: two sockets in a room, opaque messages between them, nothing dropped, nothing read."""

"""The append-only log: exact bytes, a Merkle tree over them, checkpoints, and the devices that witness them."""

"""Private keys: how they lie on disk, how they are opened, and the few things they are used for."""

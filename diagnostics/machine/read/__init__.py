"""The reading half: one file a platform. Nothing here changes a machine."""

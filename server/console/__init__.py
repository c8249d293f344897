"""The console: pages for the desk, its managers and auditors. It shows what the server knows; it opens nothing."""

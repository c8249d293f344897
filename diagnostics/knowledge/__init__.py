"""Known issues: data with its proof. `issues/*.toml`, each with the cases that fire and that stay quiet."""

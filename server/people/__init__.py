"""People who use the console: accounts, sign-in, roles. Nothing here has power over a device."""

"""The control link: every connected agent, what it says, and what the server may say to it."""

"""Technicians as their certificates say, and the sign-ins of programs (technicians' and the organisation's)."""

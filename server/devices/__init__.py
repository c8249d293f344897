"""Devices: enrolment requests, certificates, who was seen when."""

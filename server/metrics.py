"""Numbers for the operator, in Prometheus' text form. A registry of its own for each server: nothing global."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.agents = Gauge("bellpull_agents_connected", "Agents on the control link", registry=self.registry)
        self.rooms = Gauge("bellpull_relay_rooms", "Rooms of the relay that are not over", registry=self.registry)
        self.audit_entries = Gauge("bellpull_audit_entries", "Entries in the audit log", registry=self.registry)
        self.messages = Counter(
            "bellpull_link_messages", "Messages from agents by type", ["type"], registry=self.registry
        )
        self.logins_refused = Counter(
            "bellpull_link_logins_refused", "Logins of devices that were refused", registry=self.registry
        )
        self.rows_left_out = Counter(
            "bellpull_report_rows_left_out", "Rows of reports beyond a device's bounds", registry=self.registry
        )
        self.refusals = Counter(
            "bellpull_http_refusals", "Requests refused by status", ["status"], registry=self.registry
        )
        self.request_seconds = Histogram(
            "bellpull_http_request_seconds", "Time of HTTP requests by route", ["route"], registry=self.registry
        )

    def text(self) -> bytes:
        return generate_latest(self.registry)

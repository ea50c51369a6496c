"""The exporter's own metrics."""

from exporter.telemetry.orgs import CODES, SEEDS, V2, Outcome, Telemetry, code_label

__all__ = ["CODES", "SEEDS", "V2", "Outcome", "Telemetry", "code_label"]

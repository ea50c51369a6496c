"""The exporter's own metrics."""

from exporter.telemetry.orgs import CODES, SEEDS, V2, Outcome, Telemetry, code_label
from exporter.telemetry.process import ProcessMetrics

__all__ = ["CODES", "SEEDS", "V2", "Outcome", "ProcessMetrics", "Telemetry", "code_label"]

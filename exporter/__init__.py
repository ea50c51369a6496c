"""iblai-exporter: ibl.ai learning analytics as Prometheus gauges."""

__version__ = "0.1.0"

"""The past as OpenMetrics: what the exporter would have shown on days that are over."""

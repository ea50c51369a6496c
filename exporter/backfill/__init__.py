"""History as OpenMetrics: the gauges that the exporter would have served on past days."""

"""From samples and settings to the text that Prometheus scrapes. Rendered text is a cache."""

from exporter.exposition.text import Constants, Format, LineRenderer, Negotiated, header, negotiate

__all__ = ["Constants", "Format", "LineRenderer", "Negotiated", "header", "negotiate"]

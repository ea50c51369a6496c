"""iblai-exporter: ibl.ai learning analytics as Prometheus gauges."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("iblai-exporter")
except PackageNotFoundError:  # running from a source tree that was never installed
    __version__ = "0.0.0+source"

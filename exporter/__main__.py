"""Lets `python -m exporter` do what `iblai-exporter` does."""

from exporter.cli import main

main()

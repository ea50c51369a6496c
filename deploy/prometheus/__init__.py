"""Recording rules and alerts for Prometheus: a table in Python, and the files built from it."""

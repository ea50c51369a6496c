"""The Helm chart, and the copies of the rules and dashboards that it needs."""

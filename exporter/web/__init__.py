"""What is served over HTTP: metrics, health, discovery, and pages for people."""

"""What it costs: small programs that compare, each a table."""

"""Daily values per org, in memory and in one SQLite file."""

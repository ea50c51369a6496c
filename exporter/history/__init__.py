"""Daily values per org, and what follows from them."""

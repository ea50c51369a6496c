"""Talking to the ibl.ai analytics API."""

"""Handlers: each turns one request into the payload of one endpoint."""

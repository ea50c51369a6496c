"""Polls every org: what is due, what runs, what it returned, and when it is due again.

`poller` is called a few times a second. It has `schedule` queue what is due, `collecting` run it,
`recording` store what it returned. `configuration`, `days`, `keys` and `overload` change what is
due. `state` is what all of them know of an org.
"""

from exporter.polling.context import Context
from exporter.polling.poller import Poller

__all__ = ["Context", "Poller"]

"""What is due, and in which order it goes to a host.

`due` decides when a collector is due, `hostqueue` in which order requests are sent within the
limits of a host, `fairness` how far intervals stretch if there is too much to do. Nothing here
sends a request.
"""

from exporter.scheduler.collection import Collection, Slot
from exporter.scheduler.due import SPREAD, Due, Timetable, spread
from exporter.scheduler.fairness import Stretch, excess, stretch
from exporter.scheduler.hostqueue import HostQueue

__all__ = [
    "SPREAD",
    "Collection",
    "Due",
    "HostQueue",
    "Slot",
    "Stretch",
    "Timetable",
    "excess",
    "spread",
    "stretch",
]

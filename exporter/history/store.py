"""The daily values of all orgs, in memory."""

from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import date

from exporter.history.series import DailyValues

KEEP_DAYS = 400
"""Days kept per series unless the caller asks for more: a year and the weeks around it."""

OnChange = Callable[[str, str, str, DailyValues | None], None]
"""Called with org, series, part and the new values, or None once they are removed."""


class History:
    """Daily values by org, series and part.

    The part is "" for the org itself, or the id of a course or mentor. Not thread-safe: use it
    from one thread. `on_change` is called for every series that changed or was removed.
    """

    def __init__(self, *, on_change: OnChange | None = None, keep: int = KEEP_DAYS) -> None:
        """Start empty. A series keeps `keep` days unless an update says otherwise."""
        self._keep = keep
        self._orgs: dict[str, dict[str, dict[str, DailyValues]]] = {}
        self._on_change = on_change

    def update(
        self,
        org: str,
        series: str,
        *,
        days: Mapping[date, float | None],
        part: str = "",
        keep: int | None = None,
    ) -> bool:
        """Overwrite each of `days` and return whether anything changed. None means unknown.

        The series keeps at most `keep` days, up to its newest day.
        """
        if not days:
            return False
        parts = self._orgs.setdefault(org, {}).setdefault(series, {})
        values = parts.setdefault(part, DailyValues())
        changed = values.update(days, keep=self._keep if keep is None else keep)
        if changed:
            self._changed(org, series, part, values)
        return changed

    def restore(self, org: str, saved: Mapping[tuple[str, str], DailyValues]) -> None:
        """Put `saved`, values by series and part, in place of the org's; not a change."""
        stored: dict[str, dict[str, DailyValues]] = {}
        for (series, part), values in saved.items():
            stored.setdefault(series, {})[part] = values
        self._orgs[org] = stored

    def series(self, org: str, series: str, *, part: str = "") -> DailyValues:
        """Return the values, to read only; empty if there are none."""
        found = self._orgs.get(org, {}).get(series, {}).get(part)
        return DailyValues() if found is None else found

    def of(self, org: str) -> Iterator[tuple[str, str, DailyValues]]:
        """Yield every series of an org: its name, its part and its values, to read only."""
        for series, parts in self._orgs.get(org, {}).items():
            for part, values in parts.items():
                yield series, part, values

    def parts(self, org: str, series: str) -> Collection[str]:
        """Return the parts of a series that have values."""
        return tuple(self._orgs.get(org, {}).get(series, {}))

    def keep_parts(self, org: str, series: str, *, parts: Collection[str]) -> None:
        """Remove the parts of a series that are not in `parts`."""
        for part in set(self.parts(org, series)).difference(parts):
            self._remove(org, series, part)

    def forget(self, org: str) -> None:
        """Remove all values of an org."""
        for series, parts in self._orgs.pop(org, {}).items():
            for part in parts:
                self._changed(org, series, part, None)

    def drop_after(self, day: date) -> None:
        """Drop the days after `day`, which were stored while the clock was ahead.

        A series that only became shorter is not reported as changed: its next value does that.
        """
        for org, by_series in list(self._orgs.items()):
            for series, parts in list(by_series.items()):
                for part, values in list(parts.items()):
                    values.drop_after(day)
                    if not len(values):
                        self._remove(org, series, part)

    def _remove(self, org: str, series: str, part: str) -> None:
        by_series = self._orgs[org]
        del by_series[series][part]
        if not by_series[series]:
            del by_series[series]
        if not by_series:
            del self._orgs[org]
        self._changed(org, series, part, None)

    def _changed(self, org: str, series: str, part: str, values: DailyValues | None) -> None:
        if self._on_change is not None:
            self._on_change(org, series, part, values)

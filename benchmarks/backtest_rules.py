"""The rules on drops, written anew in Python and judged day by day.

A test holds them against promtool, so that what the backtest says is true of the rules as built.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache

from benchmarks.backtest_orgs import ENROLLED, MESSAGES, SESSIONS, YEAR, Org
from deploy.prometheus import drops
from exporter.windows import BASELINE_WEEKS, BASELINES, usual

DROP_RATIO, MIN_BASELINE = 0.4, 20.0
"""Defaults of the exporter."""

_DAY = timedelta(days=1)
_WEEK = timedelta(days=7)
_WAVES = timedelta(weeks=4)
_SPREAD = {figure.name: figure.spread for figure in drops.FIGURES}


@dataclass(frozen=True, slots=True)
class Reading:
    """A figure of a window, and what is usual; of an average the sessions too."""

    now: float
    usual: float
    sessions: float
    usual_sessions: float

    @property
    def fallen(self) -> float:
        """Return the share by which it is under what is usual."""
        return 1 - self.now / self.usual


class Judge:
    """The rules on drops for one org, day by day; a day is the last of the window."""

    def __init__(
        self,
        org: Org,
        *,
        calendar: bool = True,
        windows: Iterable[str] = BASELINES,
        since: date = YEAR.first - _WAVES,
    ) -> None:
        """Judge with or without the org's quiet days; Prometheus remembers `since` then."""
        self._org = org
        self._quiet = org.quiet if calendar else frozenset()
        self._windows = tuple(windows)
        self._since = since
        self._past = {"1d": org.daily, "7d": org.weekly}
        self._usual = cache(self._find_usual)
        self._score = cache(self._find_score)

    def tells(self, figure: str, day: date) -> bool:
        """Return whether a drop is told in any window."""
        return any(self.drop(figure, window, day) is not None for window in self._windows)

    def drop(self, figure: str, window: str, day: date) -> float | None:
        """Return by which share a figure dropped, if that is to be told."""
        fallen = self._evident(figure, window, day)
        if fallen is None and window == "1d":
            today = self.reading(figure, window, day)
            if today is not None and today.fallen >= drops.STILL_LOW * DROP_RATIO:
                fallen = self._evident(figure, drops.BOTH, day)
        return fallen

    def reading(self, figure: str, window: str, day: date) -> Reading | None:
        """Return what is known of a figure, if anything is usual."""
        if window == drops.BOTH:
            return self._both(figure, day)
        past = self._past[window]
        now = past[figure].get(day)
        baseline = self._usual(figure, window, day)
        if figure == ENROLLED:
            baseline = self._waveless(window, day, now, baseline)
        sessions, usually = now, baseline
        if figure == MESSAGES:
            sessions, usually = past[SESSIONS].get(day), self._usual(SESSIONS, window, day)
        if now is None or not baseline or sessions is None or usually is None:
            return None
        return Reading(now, baseline, sessions, usually)

    def baseline(self, figure: str, window: str, day: date) -> float | None:
        """Return the baseline as the exporter tells it, with quiet days taken out."""
        return self._usual(figure, window, day)

    def is_quiet(self, window: str, day: date) -> bool:
        """Return whether the window holds a quiet day."""
        return any(day - n * _DAY in self._quiet for n in range(BASELINES[window]))

    def _find_usual(self, figure: str, window: str, day: date) -> float | None:
        ends = (day - weeks * _WEEK for weeks in BASELINE_WEEKS)
        past = self._past[window][figure]
        return usual([past.get(end) for end in ends if not self.is_quiet(window, end)])

    def _waveless(
        self, window: str, day: date, now: float | None, baseline: float | None
    ) -> float | None:
        if now == 0 or baseline is None:
            return baseline
        if day - _WAVES >= self._since:
            before = self._usual(ENROLLED, window, day - _WAVES)
            if before is not None:
                return min(before, baseline)
        if window == "1d" and day - _WEEK >= self._since:
            week = self._past["7d"][ENROLLED].get(day - _DAY)
            usually = self._usual(ENROLLED, "7d", day - _DAY)
            same = self._past["1d"][ENROLLED].get(day - _WEEK)
            if week is not None and usually and same is not None:
                return min(baseline * min(week / usually, 1), same)
        return baseline if day - _WAVES < self._since else None

    def _both(self, figure: str, day: date) -> Reading | None:
        """Return the reading of the last two days together, if both may be judged."""
        days = (day, day - _DAY)
        needed = (SESSIONS, figure) if figure == MESSAGES else (figure,)
        if self.is_quiet("1d", day) or None in [self._score(one, "1d", days[1]) for one in needed]:
            return None
        today, before = (self.reading(figure, "1d", at) for at in days)
        if today is None or before is None:
            return None
        sessions = today.sessions + before.sessions
        usually = today.usual_sessions + before.usual_sessions
        if figure != MESSAGES:
            return Reading(sessions, usually, sessions, usually)
        if not sessions:
            return None
        return Reading(
            (today.now * today.sessions + before.now * before.sessions) / sessions,
            (today.usual * today.usual_sessions + before.usual * before.usual_sessions) / usually,
            sessions,
            usually,
        )

    def _evident(self, figure: str, window: str, day: date) -> float | None:
        """Return by which share a figure dropped, if that is large and beyond chance."""
        reading, score = self.reading(figure, window, day), self._score(figure, window, day)
        if reading is None or score is None or score < drops.EVIDENCE:
            return None
        return reading.fallen if reading.fallen >= DROP_RATIO else None

    def _find_score(self, figure: str, window: str, day: date) -> float | None:
        reading = self.reading(figure, window, day)
        if reading is None or day < self._since:
            return None
        if window != drops.BOTH and self.is_quiet(window, day):
            return None
        if reading.usual_sessions < MIN_BASELINE:
            return None
        spread = _SPREAD[figure]
        if spread is not None:
            apart = math.sqrt(reading.usual) - math.sqrt(reading.now)
            return 2 * apart / math.sqrt((1 + drops.MEDIAN) * spread)
        if reading.usual - reading.now <= drops.MESSAGES_STEP or not reading.sessions:
            return None
        chance = math.sqrt(1 / reading.sessions + drops.MEDIAN / reading.usual_sessions)
        return reading.fallen / (drops.MESSAGES_SPREAD * chance)


class Usual:
    """The usual rule: under 60 % of the same day a week ago."""

    def __init__(self, org: Org) -> None:
        self._org = org

    def tells(self, figure: str, day: date) -> bool:
        """Return whether the rule fires."""
        now, before = (self._org.daily[figure].get(at) for at in (day, day - _WEEK))
        return now is not None and before is not None and now < 0.6 * before

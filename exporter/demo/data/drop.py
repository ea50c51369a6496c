"""Drops in engagement that an operator asks for."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Drop:
    """Engagement of `org` falls by `fraction`, today and on the last `days` complete days."""

    org: str
    days: int
    fraction: float

    def __post_init__(self) -> None:
        if not self.org:
            raise ValueError("a drop names an org")
        if self.days < 0:
            raise ValueError(f"a drop lasts 0 days or more, not {self.days}")
        if not 0 <= self.fraction <= 1:
            raise ValueError(f"a drop is by a fraction from 0 to 1, not {self.fraction:g}")

    @classmethod
    def parse(cls, text: str) -> "Drop":
        """Read `ORG:DAYS:FRACTION`, such as `acme:3:0.6`; raise ValueError otherwise."""
        try:
            org, days, fraction = text.rsplit(":", 2)
            return cls(org.strip(), int(days), float(fraction))
        except ValueError as error:
            raise ValueError(
                f"{text!r} is not ORG:DAYS:FRACTION (such as acme:3:0.6, which takes 60 percent"
                f" off acme for three days and today): {error}"
            ) from None

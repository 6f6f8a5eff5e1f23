"""Where a fault strikes: the request, the service, and the luck that decides the details."""

from __future__ import annotations

from dataclasses import dataclass, replace

from venues.demo.answers import Answer, Ask, Room
from venues.demo.noise import uniform


@dataclass(frozen=True, slots=True)
class Scene:
    """One fault at one request."""

    seed: int
    fault: str
    service: str
    episode: int  # the instant at which its episode began [ms]
    ask: Ask
    room: Room

    def luck(self, *parts: int | str) -> float:
        """Return a number in [0, 1) that stays the same through the episode."""
        return uniform(self.seed, self.fault, self.service, self.episode, *parts)

    def fate(self, *parts: int | str) -> float:
        """Return a number in [0, 1) that is the same at every service and instant."""
        return uniform(self.seed, self.fault, *parts)

    def earlier(self, milliseconds: int) -> Answer:
        """Return what the service would have said that much earlier."""
        return self.room(replace(self.ask, at=self.ask.at - milliseconds))

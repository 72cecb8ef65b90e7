"""A field of the sky with its lasting objects, and what a visit finds there.

Both surveys observe alike: everything lasting is measured, asteroids cross the field for one night, and
artefacts fill the visit up to the number of alerts that was asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bridge.simulate.population import (
    AGN,
    ASTEROID,
    BOGUS,
    DETECTION_SNR,
    Measurements,
    Objects,
    joined,
    make_objects,
    measure,
)
from bridge.simulate.sky import Exposures, Pointing, Sky, random_stream

__all__ = ["Field", "observe"]


@dataclass(slots=True)
class Field:
    """One pointing.

    Parameters
    ----------
    pointing
        Where it is.
    objects
        Its lasting objects; slot and index are the same.
    past
        Exposures before the simulation begins.
    seen, past_count
        Exposures that histories may still reach back to, oldest first, and how many of them are of the past.
    night, asteroids
        The asteroids of the night (MJD) last simulated.
    """

    pointing: Pointing
    objects: Objects
    past: Exposures
    seen: Exposures
    past_count: int
    night: int = -1
    asteroids: Objects | None = None

    @classmethod
    def create(
        cls,
        sky: Sky,
        pointing: Pointing,
        counts: Sequence[int],
        seed: int,
        start_mjd_tai: float,
        backlog: int | None,
    ) -> Field:
        """Fill a field with `counts` objects of each lasting kind."""
        kinds = np.repeat(np.arange(AGN + 1), counts[: AGN + 1])
        rng = random_stream(seed, 4, pointing.number)
        sigma = 10 ** (0.4 * (31.4 - sky.depth[2])) / 5
        objects = make_objects(
            kinds, np.arange(len(kinds)), pointing, sky.width_deg, sigma, start_mjd_tai, rng
        )
        past = sky.past(pointing, start_mjd_tai, seed, backlog)
        return cls(pointing, objects, past, past, len(past))

    def remember(self, exposure: Exposures, window_d: float) -> None:
        """Add a simulated exposure to those seen, and forget those that left the window."""
        seen = joined([self.seen, exposure])
        recent = seen.midpoint_mjd_tai >= exposure.midpoint_mjd_tai[0] - window_d - 1
        self.past_count -= min(self.past_count, int((~recent).sum()))
        self.seen = seen[recent]


def observe(
    sky: Sky,
    place: Field,
    exposure: Exposures,
    counts: Sequence[int],
    seed: int,
    number: int,
    rng: np.random.Generator,
) -> tuple[Objects, Measurements]:
    """Measure everything in the field once.

    Returns
    -------
    The lasting objects, then the night's asteroids, then the visit's artefacts; and one measurement of each,
    in that order. As many as `counts` sums up to are above the threshold or artefacts.
    """
    lasting, moving = len(place.objects), counts[ASTEROID]
    time = float(exposure.midpoint_mjd_tai[0])

    def fresh(kind: int, count: int, first: int, *key: int) -> Objects:
        kinds, slots = np.full(count, kind), np.arange(first, first + count)
        stream = random_stream(seed, *key)
        sigma = float(exposure.sigma_njy[0])
        return make_objects(kinds, slots, place.pointing, sky.width_deg, sigma, time, stream)

    night = int(exposure.night_mjd[0])
    if place.asteroids is None or place.night != night:
        place.night = night
        place.asteroids = fresh(ASTEROID, moving, lasting, 5, place.pointing.number, number)
    objects = joined([place.objects, place.asteroids])
    zeros = np.zeros(len(objects), np.int64)
    seen = measure(objects, np.arange(len(objects)), exposure, zeros, rng)
    missing = sum(counts) - int((seen.snr > DETECTION_SNR).sum())
    everything = joined([objects, fresh(BOGUS, missing, len(objects), 6, number)])
    who = np.arange(len(objects), len(everything))
    false = measure(everything, who, exposure, np.zeros(missing, np.int64), rng)
    return everything, joined([seen, false])

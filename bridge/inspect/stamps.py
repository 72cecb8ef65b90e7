"""How a cutout becomes shades of grey: limits from the sky background, then an asinh stretch.

The usual astronomical display: the background's noise is just visible, bright cores do not saturate.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["display_values"]

# Standard deviation of a normal distribution over its median absolute deviation.
SIGMA_PER_MAD = 1.4826


def display_values(pixels: NDArray[np.float64], *, symmetric: bool = False) -> NDArray[np.float64]:
    """Stretch pixels to 0..1.

    Parameters
    ----------
    pixels
        Brightness (ny, nx) in any unit; NaN where there is no measurement.
    symmetric
        Whether zero is to be mid-grey (difference images), so that a source that faded is a dark spot.

    Returns
    -------
    numpy.ndarray
        Shades (ny, nx), NaN where the pixel is. The stretch is asinh (Lupton, Gunn and Szalay 1999)
        with the softening at the noise of the background.
    """
    finite = pixels[np.isfinite(pixels)]
    if not finite.size:
        return np.full_like(pixels, np.nan)
    middle = 0.0 if symmetric else float(np.median(finite))
    noise = SIGMA_PER_MAD * float(np.median(np.abs(finite - np.median(finite)))) or float(finite.std()) or 1.0
    stretched = np.arcsinh((pixels - middle) / (2 * noise))
    inside = stretched[np.isfinite(stretched)]
    if symmetric:
        reach = max(float(np.percentile(np.abs(inside), 99.8)), float(np.arcsinh(2.0)))
        low, high = -reach, reach
    else:
        low, high = float(np.arcsinh(-1.0)), max(float(np.percentile(inside, 99.8)), float(np.arcsinh(2.0)))
    return np.clip((stretched - low) / (high - low), 0.0, 1.0)

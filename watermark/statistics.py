"""How likely it is that a picture without our mark would have looked like this.

The bound needs no model of pictures. For one hypothesis about the geometry let z_i be the soft
values read at the message lines, w_i weights and c_i the symbols of one fixed message. The key
multiplies every symbol by a sign of its own, independent of the picture, of the geometry (found
from the pilots alone) and of |z_i|. In a picture that was not marked with this key

    rho = sum(w_i c_i z_i) / sqrt(sum((w_i z_i)^2))

is therefore a normalised Rademacher sum, and by the theorem of Bentkus and Dzindzalieta
(Bernoulli 21, 2015), with Z standard normal,

    P(rho >= t) <= P(Z >= t) / (4 P(Z >= sqrt(2))) = 3.18 P(Z >= t).

The decoder may have tried `trials` hypotheses, and returns one of the 2^bits messages of a
profile and generation, so by the union bound the probability that any of them reaches t is at
most trials * 2^bits * 3.18 P(Z >= t). That is the number reported. Nothing is assumed about the
distribution of the z_i, and how clever the decoder is does not matter.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_ndtr

#: Operating point: a detection is reported only when its bound, over everything that was or
#: might have been tried on the picture, is below one in a million.
OPERATING_POINT_LOG10 = -6.0

#: The constant 1 / (4 P(Z >= sqrt(2))) of the theorem; no smaller one holds.
RADEMACHER_CONSTANT = 3.178


def normalised_correlation(soft: NDArray[np.float32], symbols: NDArray[np.float32]) -> float:
    """rho of the module text, between -sqrt(n) and sqrt(n).

    Args:
        soft: float32, shape (n,), weighted soft values.
        symbols: float32, shape (n,), keyed symbols of the decoded message, -1 or +1.
    """
    energy = float(np.dot(soft, soft))
    return float(np.dot(soft, symbols)) / math.sqrt(energy) if energy > 0 else 0.0


def log10_false_alarm(correlation: float, message_bits: int, trials: int) -> float:
    """log10 of the bound on the false-alarm probability, at most 0.

    Args:
        correlation: `normalised_correlation` of the accepted message.
        message_bits: bits that are free in a message: the payload. Header and check sum follow from
            it.
        trials: hypotheses the detector may try on one picture, times profiles, generations and
            keys.
    """
    if correlation <= 0:
        return 0.0
    tail = float(log_ndtr(-correlation)) * math.log10(math.e) + math.log10(RADEMACHER_CONSTANT)
    return min(0.0, math.log10(trials) + message_bits * math.log10(2) + tail)

"""How optimizers look: apart, also for readers who do not see red and green."""

from itertools import combinations

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from descent.plots.style import LOOKS, power, shades

DEUTERANOPIA = np.array([[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]])
TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])  # of linear sRGB, D65
APART = 20  # of CIE 1976; 2.3 is just noticeable on large areas
LIGHTNESS = 30  # of 100: black beside a colour, in grey too


def seen(colour):
    """Return a colour in CIE L*a*b*, as simulated for deuteranopia.

    Source: G. M. Machado, M. M. Oliveira and L. A. F. Fernandes, A physiologically-based model for simulation of color vision
    deficiency (2009), severity 1.
    """
    parts = np.array(to_rgb(colour))
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    xyz = TO_XYZ @ np.clip(DEUTERANOPIA @ linear, 0, 1) / TO_XYZ.sum(axis=1)
    x, y, z = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def test_optimizers_differ_in_dashes_where_colours_look_alike_under_deuteranopia():
    alike = [
        (one, other)
        for one, other in combinations(LOOKS, 2)
        if LOOKS[one].dash == LOOKS[other].dash and np.linalg.norm(seen(LOOKS[one].colour) - seen(LOOKS[other].colour)) < APART
    ]
    assert alike == []
    compared = list(LOOKS.items())[:7]
    alike = [
        (one, other)
        for (one, a), (other, b) in combinations(compared, 2)
        if a.dash == b.dash and abs(seen(a.colour)[0] - seen(b.colour)[0]) < LIGHTNESS
    ]
    assert alike == []


@pytest.mark.parametrize("count", range(2, 8))
def test_shades_of_ordered_values_differ_in_lightness(count):
    lightness = np.array([seen(shade)[0] for shade in shades(count)])
    assert (np.diff(lightness) > 70 / count).all()


def test_tick_labels_of_all_figures_are_of_one_style():
    assert [power(value) for value in (0, 0.5, 1000, 32_000, -0.25, 1e5, 3e-7)] == [
        "0",
        "0.5",
        "1,000",
        "32,000",
        "-0.25",
        "10⁵",
        "3·10⁻⁷",
    ]

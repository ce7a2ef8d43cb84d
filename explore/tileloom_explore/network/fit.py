"""Which layers a configuration can take, as they are or once they are quantised, and why not the others."""

from __future__ import annotations

import numpy as np

from tileloom.config import Config

from .calibrate import Observer
from .layer import Layer
from .mapping import RefusedError, map_layer
from .prepare import Choices, quantised

NOMINAL = (-1.0, 1.0)
"""A range of activations, to see whether a layer fits once it has one."""


def fits(config: Config, layer: Layer, shape: tuple[int, ...]) -> tuple[bool, str]:
    """Return whether a configuration can take a layer, and how, or why not.

    Parameters
    ----------
    config:
        Of any family.
    layer:
        As it was read.
    shape:
        Of its input.

    Returns
    -------
    tuple
        True with "yes" or "quantised", or False with the reason.
    """
    observer = Observer()
    observer.observe(np.array(NOMINAL))
    ranged = quantised(config, layer, {layer.input: observer, layer.output: observer}, Choices())
    try:
        map_layer(config, ranged).cost(layer.image_shape(shape))
    except RefusedError as error:
        return False, str(error).removeprefix(f"{layer.name}: ")
    return True, "yes" if ranged is layer else "quantised"

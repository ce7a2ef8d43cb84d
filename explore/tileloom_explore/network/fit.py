"""Which layers a configuration can take, as they are or once they are quantised, and why not the others."""

from __future__ import annotations

import numpy as np

from tileloom.config import Config

from .calibrate import Observer
from .integers import Choices, quantised
from .layer import NetworkLayer
from .mapping import RefusedError, map_layer
from .prepare import unit_of
from .recognise import empty_units
from .weights import expand_groups

NOMINAL = (-1.0, 1.0)
"""A range of activations, to see whether a layer fits once it has one."""


def fits(config: Config, layer: NetworkLayer, shape: tuple[int, ...]) -> tuple[bool, str]:
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
        True with "yes" or "quantised", and where there are such the share of tiles or blocks that are zero;
        or False with the reason.
    """
    observer = Observer()
    observer.observe(np.array(NOMINAL))
    ranged = quantised(config, layer, {layer.input: observer, layer.output: observer}, Choices())
    try:
        map_layer(config, ranged).cost(layer.image_shape(shape))
    except RefusedError as error:
        return False, str(error).removeprefix(f"{layer.name}: ")
    how = "yes" if ranged is layer else "quantised"
    kind, size = unit_of(config)
    if size is not None:
        dense = expand_groups(ranged.weight_values, layer.groups)
        empty, units = empty_units(dense, size, blocks=kind == "blocks")
        if empty:
            how += f"; {empty / units:.0%} of the {kind} are zero"
    return True, how

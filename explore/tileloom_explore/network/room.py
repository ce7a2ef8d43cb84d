"""How large a tensor may be: a quarter of the memory, since a layer needs several of its size at once.

A few bytes of a file or of an option can ask for more than there is; the system would then end the process
without a word, or swap for hours.
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence

from tileloom.errors import UserError

SHARE = 4
"""A tensor takes at most one part in so many of the memory."""


class TooLargeError(UserError):
    """A tensor that this machine's memory has no room for."""


def memory() -> int:
    """Return the bytes of this machine's memory."""
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def require_room(what: str, shape: Sequence[int], *, item: int = 4) -> None:
    """Raise TooLargeError where ``what`` is too large for the machine.

    Parameters
    ----------
    what:
        What the message begins with: the tensor, and where it is from.
    shape:
        Of the tensor.
    item:
        Bytes of an element.
    """
    size, most = math.prod(map(int, shape)) * item, memory() // SHARE
    if size > most:
        shown = " x ".join(map(str, shape))
        raise TooLargeError(
            f"{what}: {shown} would take {size / 2**30:,.1f} GiB; at most {most / 2**30:,.1f} GiB, a quarter "
            "of this machine's memory"
        )

"""Open PDKs on this machine, as ciel and open_pdks lay them out under ``$PDK_ROOT``."""

from __future__ import annotations

import os
from pathlib import Path

from .standard_cells import LibraryError

_SKY130 = "sky130_fd_sc_hd/lib/sky130_fd_sc_hd__tt_025C_1v80.lib"
_GF180 = "gf180mcu_fd_sc_mcu7t5v0/lib/gf180mcu_fd_sc_mcu7t5v0__tt_025C_5v00.lib"
KITS = {
    "sky130A": _SKY130,
    "sky130B": _SKY130,
    "gf180mcuA": _GF180,
    "gf180mcuB": _GF180,
    "gf180mcuC": _GF180,
    "gf180mcuD": _GF180,
    "ihp-sg13g2": "sg13g2_stdcell/lib/sg13g2_stdcell_typ_1p20V_25C.lib",
}
"""For each kit the standard-cell library, at its typical corner, below the kit's ``libs.ref``."""


def root() -> Path:
    """Return where PDKs are: ``$PDK_ROOT``, or ciel's default, ``~/.ciel``."""
    given = os.environ.get("PDK_ROOT")
    return Path(given) if given else Path.home() / ".ciel"


def installed() -> dict[str, Path]:
    """Return the liberty file of each kit that is there."""
    found = {name: root() / name / "libs.ref" / path for name, path in KITS.items()}
    return {name: existing for name, path in found.items() if (existing := _existing(path))}


def find(name: str) -> list[Path]:
    """Return the liberty files of the kit ``name``.

    Raises LibraryError that says where it looked and what is there.
    """
    if name not in KITS:
        raise LibraryError(f"--pdk {name}: not a kit known here; kits: {', '.join(KITS)}")
    kits = installed()
    if name not in kits:
        there = f"found there: {', '.join(kits)}" if kits else "no kit is there"
        source = "$PDK_ROOT" if os.environ.get("PDK_ROOT") else "$PDK_ROOT is not set; this is ciel's default"
        path = root() / name / "libs.ref" / KITS[name]
        raise LibraryError(f"--pdk {name}: no file {path} ({source}); {there}")
    return [kits[name]]


def _existing(path: Path) -> Path | None:
    return next((each for each in (path, path.with_name(path.name + ".gz")) if each.is_file()), None)

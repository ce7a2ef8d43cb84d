"""PLLs: settings that come nearest to a frequency, and the hardware with them.

The search goes through all settings that the vendor allows, and takes of the nearest the one whose oscillator
is farthest from the ends of its range, as icepll and ecppll do.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from amaranth.hdl import ClockSignal, Const, Instance, Module, Signal, Value


@dataclass(frozen=True)
class Setting:
    """A setting of a PLL.

    Attributes
    ----------
    hertz:
        What comes out.
    oscillator:
        Hertz of the oscillator inside.
    dividers:
        By the vendor's names.
    """

    hertz: float
    oscillator: float
    dividers: dict[str, int]


@dataclass(frozen=True)
class Pll:
    """A family's PLL.

    Attributes
    ----------
    settings:
        Yields all that it can do with an input of so many hertz.
    add:
        Adds it to a module: its input, or the pad that it must come from, a setting, and the domain whose
        clock it makes. Returns whether it is locked.
    middle:
        Hertz, of the range of the oscillator inside.
    pad:
        The input is the pad itself.
    """

    settings: Callable[[int], Iterator[Setting]]
    add: Callable[[Module, Any, Setting, str], Value]
    middle: float
    pad: bool = False

    def nearest(self, source: int, wanted: float) -> Setting | None:
        """Return the setting for a frequency that comes nearest, or None where the PLL has none at all."""
        return min(
            self.settings(source),
            key=lambda setting: (
                round(abs(setting.hertz - wanted), 3),
                abs(setting.oscillator - self.middle),
            ),
            default=None,
        )


def _ecp5_settings(source: int) -> Iterator[Setting]:
    """Lattice FPGA-DS-02012, sysCLOCK PLL timing; feedback is from CLKOP."""
    for divider in range(1, 129):
        compared = source / divider
        if not 3.125e6 <= compared <= 400e6:
            continue
        for feedback in range(1, 81):
            hertz = compared * feedback
            if not 3.125e6 <= hertz <= 400e6:
                continue
            for post in range(max(1, math.ceil(400e6 / hertz)), min(128, int(800e6 // hertz)) + 1):
                dividers = {"CLKI_DIV": divider, "CLKFB_DIV": feedback, "CLKOP_DIV": post}
                yield Setting(hertz, hertz * post, dividers)


def _ecp5_add(m: Module, source: Any, setting: Setting, domain: str) -> Value:
    locked, clock = Signal(name="locked"), Signal(name="pll_clock")
    m.submodules.pll = Instance(
        "EHXPLLL",
        a_FREQUENCY_PIN_CLKOP=f"{setting.hertz / 1e6:g}",
        a_ICP_CURRENT="12",
        a_LPF_RESISTOR="8",
        a_MFG_ENABLE_FILTEROPAMP="1",
        a_MFG_GMCREF_SEL="2",
        p_PLLRST_ENA="DISABLED",
        p_INTFB_WAKE="DISABLED",
        p_STDBY_ENABLE="DISABLED",
        p_DPHASE_SOURCE="DISABLED",
        p_OUTDIVIDER_MUXA="DIVA",
        p_CLKOP_ENABLE="ENABLED",
        # As ecppll has it; all of the board is on this clock, so that its phase says nothing.
        p_CLKOP_CPHASE=setting.dividers["CLKOP_DIV"] // 2,
        p_CLKOP_FPHASE=0,
        p_FEEDBK_PATH="CLKOP",
        **{f"p_{name}": value for name, value in setting.dividers.items()},
        i_RST=Const(0),
        i_STDBY=Const(0),
        i_CLKI=source,
        i_CLKFB=clock,
        i_PHASESEL0=Const(0),
        i_PHASESEL1=Const(0),
        i_PHASEDIR=Const(1),
        i_PHASESTEP=Const(1),
        i_PHASELOADREG=Const(1),
        i_PLLWAKESYNC=Const(0),
        i_ENCLKOP=Const(0),
        o_CLKOP=clock,
        o_LOCK=locked,
    )
    m.d.comb += ClockSignal(domain).eq(clock)
    return locked


def _ice40_settings(source: int) -> Iterator[Setting]:
    """Lattice FPGA-TN-02052, with simple feedback."""
    for divr in range(16):
        compared = source / (divr + 1)
        if not 10e6 <= compared <= 133e6:
            continue
        for divf in range(128):
            oscillator = compared * (divf + 1)
            if not 533e6 <= oscillator <= 1066e6:
                continue
            # The loop's filter follows from the frequency that is compared.
            bounds = (17e6, 26e6, 44e6, 66e6, 101e6)
            band = 1 + sum(compared >= bound for bound in bounds)
            for divq in range(1, 7):
                dividers = {"DIVR": divr, "DIVF": divf, "DIVQ": divq, "FILTER_RANGE": band}
                yield Setting(oscillator / 2**divq, oscillator, dividers)


def _ice40_add(m: Module, source: Any, setting: Setting, domain: str) -> Value:
    locked = Signal(name="locked")
    bits = {"DIVR": 4, "DIVF": 7, "DIVQ": 3, "FILTER_RANGE": 3}
    m.submodules.pll = Instance(
        "SB_PLL40_PAD",
        p_FEEDBACK_PATH="SIMPLE",
        p_PLLOUT_SELECT="GENCLK",
        **{f"p_{name}": Const(value, bits[name]) for name, value in setting.dividers.items()},
        i_PACKAGEPIN=source,
        i_RESETB=Const(1),
        i_BYPASS=Const(0),
        o_PLLOUTGLOBAL=ClockSignal(domain),
        o_LOCK=locked,
    )
    return locked


def _series7_settings(source: int) -> Iterator[Setting]:
    """Xilinx DS181, PLLE2 of speed grade -1."""
    for divider in range(1, 57):
        compared = source / divider
        if not 19e6 <= compared <= 450e6:
            continue
        for multiplier in range(2, 65):
            oscillator = compared * multiplier
            if not 800e6 <= oscillator <= 1600e6:
                continue
            for post in range(1, 129):
                if oscillator / post >= 6.25e6:
                    dividers = {"DIVCLK_DIVIDE": divider, "CLKFBOUT_MULT": multiplier, "CLKOUT0_DIVIDE": post}
                    yield Setting(oscillator / post, oscillator, dividers)


def _series7_add(m: Module, source: Any, setting: Setting, domain: str) -> Value:
    locked, feedback, clock = (Signal(name=name) for name in ("locked", "pll_feedback", "pll_clock"))
    divider, multiplier = setting.dividers["DIVCLK_DIVIDE"], setting.dividers["CLKFBOUT_MULT"]
    m.submodules.pll = Instance(
        "PLLE2_BASE",
        p_CLKIN1_PERIOD=1e9 * multiplier / divider / setting.oscillator,
        **{f"p_{name}": value for name, value in setting.dividers.items()},
        i_CLKIN1=source,
        i_CLKFBIN=feedback,
        i_RST=Const(0),
        i_PWRDWN=Const(0),
        o_CLKFBOUT=feedback,
        o_CLKOUT0=clock,
        o_LOCKED=locked,
    )
    m.submodules.pll_buffer = Instance("BUFG", i_I=clock, o_O=ClockSignal(domain))
    return locked


ECP5 = Pll(_ecp5_settings, _ecp5_add, middle=600e6)
ICE40 = Pll(_ice40_settings, _ice40_add, middle=800e6, pad=True)
SERIES7 = Pll(_series7_settings, _series7_add, middle=1200e6)

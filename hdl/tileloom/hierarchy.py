"""Modules that are elaborated once, however many instances there are.

Amaranth elaborates every instance of a component and writes a module for each: a 64 x 64 mesh would take
minutes and thousands of identical modules. A component that is added with ``add_shared`` becomes, on the
way to Verilog, an instance of a module that a ``ModuleLibrary`` elaborates the first time that it is asked
for. In a simulation in Amaranth there is no library, and it is an ordinary submodule.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeVar

from amaranth.back import rtlil
from amaranth.hdl import ClockSignal, Instance, Module, ResetSignal
from amaranth.lib import wiring
from amaranth.lib.wiring import In

ComponentType = TypeVar("ComponentType", bound=wiring.Component)


class ModuleLibrary:
    """The shared modules of one design; passed as the platform of its elaboration.

    Attributes
    ----------
    modules:
        RTLIL text by module name.
    """

    def __init__(self) -> None:
        self.modules: dict[str, str] = {}
        self._signatures: dict[str, wiring.Signature] = {}

    def add(self, m: Module, module: str, name: str, make: Callable[[], ComponentType]) -> ComponentType:
        """Add an instance of ``module`` to ``m``, elaborating what ``make`` returns if it is the first."""
        if module not in self.modules:
            component = make()
            self.modules[module] = rtlil.convert(component, name=module, platform=self, emit_src=False)
            self._signatures[module] = component.signature
        signature = self._signatures[module]
        ports = signature.create(path=(name,))
        connections = [
            ("i" if member.flow is In else "o", "__".join(map(str, path)), value)
            for path, member, value in signature.flatten(ports)
        ]
        text = self.modules[module].split(f"module \\{module}\n")[1]
        for port, signal in (("clk", ClockSignal()), ("rst", ResetSignal())):
            if re.search(rf"wire width 1 input \d+ +\\{port}$", text, re.MULTILINE):
                connections.append(("i", port, signal))
        m.submodules[name] = Instance(module, *connections)
        return ports


def add_shared(
    m: Module, platform: object, module: str, name: str, make: Callable[[], ComponentType]
) -> ComponentType:
    """Add the component that ``make`` returns to ``m`` as submodule ``name``, and return its ports.

    Where ``platform`` is a ``ModuleLibrary`` it is an instance of the shared module ``module``. Within one
    design the name ``module`` must always stand for the same hardware; that is the caller's part.
    """
    if isinstance(platform, ModuleLibrary):
        return platform.add(m, module, name, make)
    component = make()
    m.submodules[name] = component
    return component

"""Modules that are elaborated once, however many instances there are.

Amaranth elaborates every instance of a component and writes a module for each: a 64 x 64 mesh would take
minutes and thousands of identical modules. A component that is added with ``add_shared`` becomes, on the
way to Verilog, an instance of a module that a ``ModuleLibrary`` elaborates the first time that it is asked
for. In a simulation in Amaranth there is no library, and it is an ordinary submodule.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from amaranth.back import rtlil
from amaranth.hdl import ClockSignal, Instance, Module, ResetInserter, ResetSignal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In

ComponentType = TypeVar("ComponentType", bound=wiring.Component)

CLOCK, RESET = "clk", "rst"
"""What Amaranth calls the clock and the reset of the domain ``sync`` in a module that it elaborates alone."""


class ModuleLibrary:
    """The shared modules of one design; passed as the platform of its elaboration.

    Attributes
    ----------
    modules:
        RTLIL text by module name.
    """

    def __init__(self) -> None:
        self.modules: dict[str, str] = {}
        self._hardware: dict[str, tuple[Any, ...]] = {}

    def add(
        self,
        m: Module,
        module: str,
        name: str,
        make: Callable[[], ComponentType],
        reset: Value | None = None,
    ) -> ComponentType:
        """Add an instance of ``module`` to ``m``, elaborating what ``make`` returns if it is the first.

        It is reset by ``reset`` too.

        Clock and reset are connected whether the module has them or not: ``netlist.tidy`` drops what it has
        not. Raises ValueError where ``module`` is known as other hardware.
        """
        component = make()
        hardware = _hardware(component)
        # All but the first are made to be compared only; Amaranth would warn that nobody elaborates them.
        component._MustUse__used = True
        if module not in self.modules:
            self.modules[module] = rtlil.convert(component, name=module, platform=self, emit_src=False)
            self._hardware[module] = hardware
        elif self._hardware[module] != hardware:
            known = self._hardware[module]
            raise ValueError(f"the module {module} is asked for as {_text(hardware)}, and is {_text(known)}")
        signature = component.signature
        ports = signature.create(path=(name,))
        connections = [
            ("i" if member.flow is In else "o", "__".join(map(str, path)), value)
            for path, member, value in signature.flatten(ports)
        ]
        resetting = ResetSignal() if reset is None else ResetSignal() | reset
        connections += [("i", CLOCK, ClockSignal()), ("i", RESET, resetting)]
        m.submodules[name] = Instance(module, *connections)
        return ports


def _hardware(component: wiring.Component) -> tuple[Any, ...]:
    """Return what a component's hardware follows from: its class, its signature, its other attributes.

    Raises TypeError where an attribute is hardware itself, which cannot be compared.
    """
    signature = component.signature
    attributes = {
        name: value
        for name, value in vars(component).items()
        if not name.startswith("_") and name not in signature.members
    }
    for name, value in attributes.items():
        if isinstance(value, (Value, wiring.PureInterface)):
            raise TypeError(
                f"{type(component).__name__}.{name}: a shared module's attributes are plain values"
            )
    return type(component), signature, attributes


def _text(hardware: tuple[Any, ...]) -> str:
    kind, signature, attributes = hardware
    return f"{kind.__name__}({attributes}) with {dict(signature.members)}"


def add_shared(
    m: Module,
    platform: object,
    module: str,
    name: str,
    make: Callable[[], ComponentType],
    *,
    reset: Value | None = None,
) -> ComponentType:
    """Add the component that ``make`` returns to ``m`` as submodule ``name``, and return its ports.

    ``reset`` is a reset besides that of its clock domain, of all that is in it. Where ``platform`` is a
    ``ModuleLibrary`` it is an instance of the shared module ``module``. Within one design that name always
    stands for the same hardware: ValueError if it does not.
    """
    if isinstance(platform, ModuleLibrary):
        return platform.add(m, module, name, make, reset)
    component = make()
    m.submodules[name] = component if reset is None else ResetInserter(reset)(component)
    return component

"""The event unit of a cluster, cycle by cycle."""

from __future__ import annotations

BARRIERS = 4


class EventUnit:
    """Registers of ``cores`` cores; in a cycle ``granted`` is asked first, then ``access``, then ``end``.

    Attributes
    ----------
    mask, events:
        Of each core, two bits: bit 0 a DMA transfer, bit 1 a trigger.
    barrier_masks:
        Cores that each barrier is for.
    """

    def __init__(self, cores: int) -> None:
        self.cores = cores
        self.mask, self.events = [3] * cores, [0] * cores
        self.barrier_masks = [(1 << cores) - 1] * BARRIERS
        self._clear, self._set = [0] * cores, [0] * cores
        self._written: dict[tuple[int, int], int] = {}

    def granted(self, reads: dict[int, int]) -> set[int]:
        """Return which cores' reads are granted in this cycle; ``reads`` has the offset that each reads."""
        asking = [sum(1 << core for core, at in reads.items() if at == 0x30 + 4 * b) for b in range(BARRIERS)]
        granted = set()
        for core, at in reads.items():
            if at == 0x10 and not self.events[core] & self.mask[core]:
                continue
            if 0x30 <= at < 0x30 + 4 * BARRIERS:
                b = (at - 0x30) // 4
                mask = self.barrier_masks[b]
                if mask >> core & 1 and asking[b] & mask != mask:
                    continue
            granted.add(core)
        return granted

    def access(self, core: int, at: int, write: bool, data: int) -> int:
        """Return what a granted access of this cycle reads; what it changes shows when the cycle ends."""
        if write:
            if at == 0x08:
                self._written[0x08, core] = data & 3
            elif at == 0x0C:
                self._clear[core] |= data & 3
            elif at == 0x14:
                for other in range(self.cores):
                    self._set[other] |= (data >> other & 1) << 1
            elif 0x20 <= at < 0x20 + 4 * BARRIERS:
                # Cores come in order: the highest stands.
                self._written[0x20, (at - 0x20) // 4] = data & ((1 << self.cores) - 1)
            return 0
        if at == 0x10:
            self._clear[core] |= self.mask[core]
            return self.events[core] & self.mask[core]
        if 0x20 <= at < 0x20 + 4 * BARRIERS:
            return self.barrier_masks[(at - 0x20) // 4]
        if 0x30 <= at < 0x30 + 4 * BARRIERS:
            return self.barrier_masks[(at - 0x30) // 4] >> core & 1
        return {0x00: core, 0x04: self.cores, 0x08: self.mask[core], 0x0C: self.events[core]}.get(at, 0)

    def end(self, completed: bool) -> None:
        """End the cycle; ``completed`` says that a DMA transfer is complete in it."""
        for core in range(self.cores):
            self.events[core] = self.events[core] & ~self._clear[core] | self._set[core] | int(completed)
            self._clear[core] = self._set[core] = 0
        for (register, index), value in self._written.items():
            (self.mask if register == 0x08 else self.barrier_masks)[index] = value
        self._written.clear()

"""A mapping walked through step by step, with sets of words: what the closed forms of traffic are held to."""

import itertools
from collections import Counter


class Walk:
    """Counts of words of one tensor between levels, found by visiting every iteration."""

    def __init__(self, tensor, sizes, levels, keep):
        """``levels`` are pairs of loops in time and in space, each a list of (dimension, bound)."""
        self.tensor, self.sizes, self.levels, self.keep = tensor, sizes, levels, keep
        slots = [(level, False, *loop) for level, (time, _) in enumerate(levels) for loop in time]
        slots += [(level, True, *loop) for level, (_, space) in enumerate(levels) for loop in space]
        slots.sort(key=lambda slot: slot[:2])
        self.slots, inner = slots, dict.fromkeys(sizes, 1)
        self.stride = {}
        for slot in reversed(slots):
            self.stride[slots.index(slot)] = inner[slot[2]]
            inner[slot[2]] *= slot[3]

    def words(self, fixed, free):
        """Return the words touched with slots in ``fixed`` at their values, those in ``free`` at any."""
        point = dict.fromkeys(self.sizes, 0)
        for slot, value in fixed.items():
            point[self.slots[slot][2]] += value * self.stride[slot]
        found = set()
        for values in itertools.product(*(range(self.slots[slot][3]) for slot in free)):
            here = dict(point)
            for slot, value in zip(free, values, strict=True):
                here[self.slots[slot][2]] += value * self.stride[slot]
            found.add(tuple(sum(k * here[name] for name, k in rank) for rank in self.tensor.ranks))
        return found

    def run(self):
        """Return by level: reads (or updates) of one instance, and what one instance below takes in."""
        result = {}
        for level, below in zip(self.keep, (*self.keep[1:], len(self.levels)), strict=True):
            outer = [i for i, slot in enumerate(self.slots) if slot[1] and slot[0] < level]
            lanes = [i for i, slot in enumerate(self.slots) if slot[1] and level <= slot[0] < below]
            last = below == len(self.levels)
            time = [i for i, slot in enumerate(self.slots) if not slot[1] and (slot[0] < below or last)]
            free = [i for i, slot in enumerate(self.slots) if slot[0] >= below and i not in time]
            before, shared, own, linked, union_before = {}, 0, 0, 0, set()
            for step in itertools.product(*(range(self.slots[i][3]) for i in time)):
                taken, union = Counter(), set()
                for lane in itertools.product(*(range(self.slots[i][3]) for i in lanes)):
                    place = dict(zip(time, step, strict=True)) | dict(zip(lanes, lane, strict=True))
                    tile = self.words(place | dict.fromkeys(outer, 0), free)
                    new = tile if last else tile - before.get(lane, set())
                    taken.update(new)
                    union |= tile
                    before[lane] = tile
                    if not any(lane):
                        own += len(new)
                shared += len(taken)
                linked += len(union if last else union - union_before)
                union_before = union
            result[level] = {"shared": shared, "own": own, "linked": linked}
        return result

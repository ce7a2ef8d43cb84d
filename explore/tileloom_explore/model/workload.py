"""What is computed: an extended Einsum, the sizes of its dimensions, and the density of each tensor.

``O[m,p] = W[m,c,r] * I[c,p+r]``: every tensor has ranks, every rank an affine index; what is right of the
equals sign are products and sums of tensors. One point of the space of dimensions is one compute.
"""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tileloom.config import did_you_mean
from tileloom.errors import UserError

from .density import Density

_TENSOR = re.compile(r"\s*([A-Za-z_]\w*)\s*\[([^\[\]]*)\]\s*")
_TERM = re.compile(r"(?:(\d+)\s*\*\s*)?([A-Za-z_]\w*)")


@dataclass(frozen=True)
class Tensor:
    """A tensor and its affine indices.

    Attributes
    ----------
    name:
        As the Einsum has it.
    ranks:
        For each rank, outermost first, the dimensions in its index and their coefficients.
    written:
        Whether it is the result: read, updated and written, where the others are only read.
    """

    name: str
    ranks: tuple[tuple[tuple[str, int], ...], ...]
    written: bool = False

    @functools.lru_cache(maxsize=256)  # noqa: B019  a tensor is a few names: what is kept is small
    def coefficients(self, dimensions: tuple[str, ...]) -> npt.NDArray[np.int64]:
        """Return the matrix (ranks x dimensions) that takes a point to the tensor's coordinates."""
        table = [dict(rank) for rank in self.ranks]
        matrix = [[rank.get(name, 0) for name in dimensions] for rank in table]
        return np.array(matrix, np.int64).reshape(len(table), len(dimensions))

    @property
    def strided(self) -> bool:
        """Whether an index has a coefficient other than 1."""
        return any(k > 1 for rank in self.ranks for _, k in rank)

    def shape(self, sizes: Mapping[str, int]) -> tuple[int, ...]:
        """Return the tensor's size in each rank."""
        return tuple(1 + sum(k * (sizes[name] - 1) for name, k in rank) for rank in self.ranks)

    def grid(self, sizes: Mapping[str, int]) -> tuple[int, ...]:
        """Return in each rank how far used words lie apart: 1, or a stride where the kernel is 1."""
        return tuple(math.gcd(*(k for name, k in rank if sizes[name] > 1)) or 1 for rank in self.ranks)


@dataclass(frozen=True)
class Workload:
    """One Einsum.

    Attributes
    ----------
    name:
        For people.
    sizes:
        Of every dimension.
    tensors:
        The operands in the order of the Einsum, the result last.
    terms:
        The sum of products on the right: for each product the names of its tensors.
    density:
        By tensor; a tensor that is not there is dense.
    """

    name: str
    sizes: Mapping[str, int]
    tensors: tuple[Tensor, ...]
    terms: tuple[tuple[str, ...], ...]
    density: Mapping[str, Density]

    @property
    def dimensions(self) -> tuple[str, ...]:
        """The names of the dimensions."""
        return tuple(self.sizes)

    @property
    def computes(self) -> int:
        """Points of the space of dimensions, those without effect among them."""
        return int(np.prod(list(self.sizes.values()), dtype=object))

    def tensor(self, name: str, where: str) -> Tensor:
        """Return a tensor by its name. Raises UserError that starts with ``where``."""
        known = {tensor.name: tensor for tensor in self.tensors}
        if name not in known:
            raise UserError(f"{where}: no tensor {name}{did_you_mean(name, known, 'tensors')}")
        return known[name]


def parse_einsum(text: str, where: str) -> tuple[tuple[Tensor, ...], tuple[tuple[str, ...], ...]]:
    """Return the tensors, the result last, and the sum of products of ``Z[..] = A[..] * B[..] + C[..]``.

    ``+=`` is the same as ``=``. Raises UserError that starts with ``where`` for what is no such text.
    """
    left, equals, right = text.partition("=")
    if not equals:
        raise UserError(f'{where}: {text!r} has no "="; write Z[m,n] = A[m,k] * B[k,n]')
    result = _tensor(left.strip().removesuffix("+"), where, written=True)
    products = [
        [_tensor(part, where) for part in re.split(r"\*(?![^\[]*\])", term)]
        for term in re.split(r"\+(?![^\[]*\])", right)
    ]
    tensors: dict[str, Tensor] = {}
    for tensor in [*(operand for product in products for operand in product), result]:
        if tensors.setdefault(tensor.name, tensor) != tensor:
            raise UserError(f"{where}: {tensor.name} stands there with two indices; give each use a name")
    return tuple(tensors.values()), tuple(tuple(operand.name for operand in product) for product in products)


def _tensor(text: str, where: str, *, written: bool = False) -> Tensor:
    found = _TENSOR.fullmatch(text)
    if not found:
        raise UserError(f"{where}: {text.strip()!r} is no tensor such as I[c,2*p+r]")
    name, indices = found.groups()
    ranks = tuple(_index(index, f"{where}: {name}") for index in indices.split(",") if indices.strip())
    seen = [dimension for rank in ranks for dimension, _ in rank]
    for dimension in seen:
        if seen.count(dimension) > 1:
            raise UserError(f"{where}: {name}: {dimension} stands in two places; diagonals are not modelled")
    return Tensor(name, ranks, written)


def _index(text: str, where: str) -> tuple[tuple[str, int], ...]:
    parts = [_TERM.fullmatch(part.strip()) for part in text.split("+")]
    if not all(parts):
        raise UserError(f"{where}: index {text.strip()!r} is no sum such as 2*p+r")
    return tuple((part[2], int(part[1] or 1)) for part in parts if part)

"""The command ``tileloom simulate``: one verb, whose options are each family's own."""

from __future__ import annotations

from tileloom.cli.options import Verb

simulate_command = Verb(
    "simulate",
    "tileloom_sim",
    short_help="Check a design bit for bit against the golden model.",
    help="""Check a design in simulation, bit for bit against the golden model.

    CONFIG is a preset's name or a TOML file. Alone, it runs random data with random stalls; with --weights
    and --activations your own. `tileloom simulate CONFIG --help` shows what its family takes.

    \b
    Examples:
      tileloom simulate sasp-8x8-int8
      tileloom simulate stream-8x8-int8 --weights W.npy --layout KN --activations X.npy -o Y.npy
      tileloom simulate engine-int8 --seed 7
      tileloom simulate xfu-cv32e40p --convolution 32 --connected 256
      tileloom simulate cluster-8 --programs 250

    Exit status: 0 all words equal, 1 a difference or a missing tool, 2 wrong input.
    """,
)

"""The solver: SMT-LIB queries in, answers out. Bitwuzla, in a process that can be interrupted."""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from tileloom import processes
from tileloom.errors import ToolError

EXTRA = "verify"

TIMEOUT = 600
"""Seconds that a proof may take, where the user does not say."""

# One line an answer: null where the assertions contradict each other, else the values that were asked for.
_RUNNER = """
import json, sys
import bitwuzla as smt
for text, symbols in json.load(sys.stdin):
    manager, options = smt.TermManager(), smt.Options()
    options.set(smt.Option.PRODUCE_MODELS, True)
    parser = smt.Parser(manager, options)
    parser.parse(text, True, False)
    solver = parser.bitwuzla()
    values = None
    if solver.check_sat() != smt.Result.UNSAT:
        terms = {name: solver.get_value(parser.parse_term(symbol)) for name, symbol in symbols.items()}
        values = {name: hex(int(term.value(2), 2)) for name, term in terms.items()}
    print(json.dumps(values), flush=True)
    if values is not None:
        break
"""


@dataclass(frozen=True)
class Query:
    """Assertions that contradict each other where a property holds.

    Attributes
    ----------
    lines:
        SMT-LIB: declarations, definitions and assertions.
    symbols:
        What a counterexample tells: symbols of bit-vectors by the name that they are told by.
    """

    lines: Sequence[str]
    symbols: Mapping[str, str]

    @property
    def text(self) -> str:
        """The query as an SMT-LIB file."""
        return "\n".join(["(set-logic ALL)", *self.lines, "(check-sat)", ""])


def refute(
    queries: Iterable[Query], *, timeout: float, on_answer: Callable[[], None] = lambda: None
) -> dict[str, str] | None:
    """Return the first counterexample that there is, values in hexadecimal by name, or None: all hold.

    ``on_answer`` is called after each query. Raises OutOfTimeError after ``timeout`` seconds, and ToolError
    where Bitwuzla is missing or fails.
    """
    if importlib.util.find_spec("bitwuzla") is None:
        raise ToolError(f"bitwuzla, the solver, is not installed: pip install 'tileloom[{EXTRA}]'")
    asked = [(query.text, dict(query.symbols)) for query in queries]
    done = processes.run(
        [sys.executable, "-c", _RUNNER],
        text=json.dumps(asked),
        timeout=timeout,
        on_line=lambda line: on_answer(),
    )
    answers = [json.loads(line) for line in done.output.splitlines()]
    found: dict[str, str] | None = next((answer for answer in answers if answer is not None), None)
    if done.status != 0 or (found is None and len(answers) != len(asked)):
        raise ToolError(f"bitwuzla: {done.reason}")
    return found

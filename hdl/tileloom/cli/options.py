"""What the commands of all packages share: the argument CONFIG, options, and verbs that know all families.

A verb such as ``simulate`` is one command to the user. Every family has a module for it, in its room of the
package that offers the verb, with ``OPTIONS``, its own options, and ``run``, which is called with the
configuration and their values. Which family it is follows from CONFIG; another family's option is refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from ..config import Config
from ..errors import UserError
from ..families import Family, families, load, named_family, presets, rooms, split_override


def complete(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """Return the presets whose names begin so, for the shell's completion."""
    return [name for name in presets() if name.startswith(incomplete)]


def config_parameters() -> list[click.Parameter]:
    """Return the argument CONFIG, passed on as ``source``, and ``--set``, as ``overrides``."""
    return [
        click.Argument(["source"], metavar="CONFIG", shell_complete=complete),
        click.Option(
            ["--set", "overrides"],
            multiple=True,
            metavar="FIELD=VALUE",
            help="Set a field of the configuration; may be repeated.",
        ),
    ]


def configured(source: str, overrides: Sequence[str]) -> Config:
    """Return the configuration that CONFIG and ``--set`` name. Raises ConfigError."""
    fields: dict[str, str] = {}
    for text in overrides:
        name, value = split_override(text)
        if name in fields:
            raise UserError(f"--set {name}: given twice")
        fields[name] = value
    return load(source, **fields)


def json_option() -> click.Option:
    """Return ``--json``, passed on as ``as_json``."""
    return click.Option(["--json", "as_json"], is_flag=True, help="Print JSON instead of tables.")


def force_option() -> click.Option:
    """Return ``--force``."""
    return click.Option(["--force"], is_flag=True, help="Overwrite files.")


def seed_option(what: str) -> click.Option:
    """Return ``--seed``, or TILELOOM_SEED; ``what`` says what it replays."""
    return click.Option(
        ["--seed"],
        type=Whole(0, 2**63 - 1),
        envvar="TILELOOM_SEED",
        help=f"{what}; also TILELOOM_SEED.  [default: drawn, and printed]",
    )


def input_option(name: str, metavar: str, text: str, *, required: bool = False) -> click.Option:
    """Return an option that names a file to read."""
    kind = click.Path(exists=True, dir_okay=False, path_type=Path)
    return click.Option([f"--{name}"], type=kind, metavar=metavar, help=text, required=required)


def output_option(metavar: str, text: str) -> click.Option:
    """Return ``-o``, the file that results go to, passed on as ``output``."""
    return click.Option(["-o", "--output"], type=click.Path(path_type=Path), metavar=metavar, help=text)


class Whole(click.IntRange):
    """A whole number from ``min`` to ``max``; what is none is told with the bounds."""

    def convert(self, value: Any, parameter: click.Parameter | None, context: click.Context | None) -> int:
        """Return the number, or fail with what is wrong."""
        try:
            return super().convert(value, parameter, context)
        except click.BadParameter:
            found = context and parameter and context.get_parameter_source(str(parameter.name))
            where = f"{parameter.envvar}: " if parameter and found is ParameterSource.ENVIRONMENT else ""
            self.fail(
                f"{where}{value}: give a whole number from {self.min} to {self.max}", parameter, context
            )


class Numbers(click.ParamType):  # type: ignore[type-arg]  # generic only to type checkers
    """Positive whole numbers with commas between them; with ``count``, that many, or one for all.

    ``least`` and ``most`` bound each of them.
    """

    name = "N,N,..."

    def __init__(self, *, count: int | None = None, least: int = 1, most: int = 2**31 - 1) -> None:
        self.count, self.least, self.most = count, least, most

    def convert(
        self, value: Any, parameter: click.Parameter | None, context: click.Context | None
    ) -> tuple[int, ...]:
        """Return the numbers, or fail with what is wrong."""
        if isinstance(value, tuple):
            return value  # click converts a default twice
        parts = [part.strip() for part in str(value).split(",")]
        if not all(part.isascii() and part.isdecimal() for part in parts):
            self.fail(f"{value!r}: give whole numbers with commas between them", parameter, context)
        numbers = tuple(map(int, parts))
        for number in numbers:
            if not self.least <= number <= self.most:
                self.fail(f"{number}: must be from {self.least} to {self.most}", parameter, context)
        if self.count and len(numbers) == 1:
            numbers *= self.count
        if self.count and len(numbers) != self.count:
            self.fail(f"{value!r} has {len(numbers)} numbers, not 1 or {self.count}", parameter, context)
        return numbers


class Number(click.ParamType):  # type: ignore[type-arg]  # generic only to type checkers
    """A number from ``low`` to ``high``; with ``above``, not ``low`` itself."""

    name = "NUMBER"

    def __init__(self, low: float, high: float, *, above: bool = False) -> None:
        self.low, self.high, self.above = low, high, above

    def convert(self, value: Any, parameter: click.Parameter | None, context: click.Context | None) -> float:
        """Return the number, or fail with what is wrong; NaN is none."""
        try:
            number = float(value)
        except ValueError:
            number = float("nan")
        if not self.low <= number <= self.high or (self.above and number == self.low):
            bounds = f"{'above' if self.above else 'from'} {self.low:g} to {self.high:g}"
            self.fail(f"{value}: give a number {bounds}", parameter, context)
        return number


class Sides(click.ParamType):  # type: ignore[type-arg]  # generic only to type checkers
    """Two whole numbers from 1 to ``most`` with an x between them: rows and columns, height and width."""

    name = "NxN"

    def __init__(self, most: int) -> None:
        self.most = most

    def convert(
        self, value: Any, parameter: click.Parameter | None, context: click.Context | None
    ) -> tuple[int, int]:
        """Return the numbers, or fail with what is wrong."""
        if isinstance(value, tuple):
            return value  # click converts a default twice
        sides = str(value).split("x")
        if len(sides) != 2 or not all(
            side.isascii() and side.isdecimal() and 1 <= int(side) <= self.most for side in sides
        ):
            self.fail(f"{value!r} is not two numbers from 1 to {self.most}, such as 4x4", parameter, context)
        return int(sides[0]), int(sides[1])


def prune_option(what: str) -> click.Option:
    """Return ``--prune``: the share of tiles or blocks that are left out; 0 would change nothing."""
    return click.Option(
        ["--prune"],
        type=Number(0, 1, above=True),
        metavar="SHARE",
        help=f"Set this share of {what} to zero first, those with the smallest L1 norm.",
    )


class Strict(click.Command):
    """A command that refuses an option that is given twice, or given nothing: one would go unsaid."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse, and refuse values that would be dropped or mean nothing."""
        given, _, order = self.make_parser(ctx).parse_args(list(args))
        seen: set[str] = set()
        for parameter in order:
            if not isinstance(parameter, click.Option) or parameter.multiple or parameter.is_flag:
                continue
            if parameter.name in seen:
                raise click.UsageError(f"{parameter.opts[0]}: given twice", ctx)
            seen.add(str(parameter.name))
        for parameter in self.get_params(ctx):
            values = given.get(str(parameter.name))
            if "" in (values if isinstance(values, list) else [values]):
                raise click.UsageError(f"{parameter.opts[0]}: the value is empty", ctx)
        return super().parse_args(ctx, args)


class Verb(click.Command):
    """A command whose options depend on the family of its configuration."""

    def __init__(self, name: str, package: str, module: str = "command", **settings: Any) -> None:
        """Gather the options of the families' modules ``package.FAMILY.module``."""
        self.modules = rooms(package, module)
        self.settings = settings
        union: dict[str, click.Parameter] = {}
        for found in self.modules.values():
            union |= {str(option.name): option for option in found.OPTIONS}
        super().__init__(name, params=[*config_parameters(), *union.values()], **settings)

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """Parse the arguments as the family's own command where CONFIG tells the family."""
        family = self._family(args)
        if family is None:
            return super().make_context(info_name, args, parent, **extra)
        if family.name not in self.modules:
            raise click.UsageError(f"{self.name}: is not for {_a(family.title)}")
        return self._of(family).make_context(info_name, args, parent, **extra)

    def _family(self, args: list[str]) -> Family | None:
        """Return the family of the CONFIG among ``args``, or None where there is no telling."""
        context = click.Context(self, resilient_parsing=True)
        try:
            found, _, _ = self.make_parser(context).parse_args(list(args))
        except click.UsageError:
            return None  # told when they are parsed in earnest
        source = found.get("source")
        return named_family(source) if isinstance(source, str) else None

    def _of(self, family: Family) -> click.Command:
        module = self.modules[family.name]

        def run(source: str, overrides: Sequence[str], **options: Any) -> Any:
            context = click.get_current_context()
            # A seed in the environment is for random data, and no mistake where there is none.
            if context.get_parameter_source("seed") is ParameterSource.ENVIRONMENT and options.get("weights"):
                options["seed"] = None
            return module.run(configured(source, overrides), **options)

        settings = {**self.settings, "help": module.run.__doc__ or self.help}
        return _OfFamily(
            self, family, params=[*config_parameters(), *module.OPTIONS], callback=run, **settings
        )

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List what all families take, then each family's own options."""
        by_family = {name: {str(o.name): o for o in found.OPTIONS} for name, found in self.modules.items()}
        common = set.intersection(*(set(options) for options in by_family.values()))
        shared = [
            p for p in self.get_params(ctx) if p.name in common or p.name in ("overrides", "help", *_SAID)
        ]
        _write_options(ctx, formatter, "Options", shared)
        for family in (family for family in families().values() if family.name in self.modules):
            own = [option for name, option in by_family[family.name].items() if name not in common]
            _write_options(ctx, formatter, f"Options for {_a(family.title)}", own)


class _OfFamily(Strict):
    """A verb as one family has it."""

    def __init__(self, verb: Verb, family: Family, **settings: Any) -> None:
        self.verb, self.family = verb, family
        super().__init__(verb.name, **settings)
        self.params += [parameter for parameter in verb.params if parameter.name in _SAID]

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse; say of another family's option whose it is."""
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            of = [
                families()[name].title
                for name, found in self.verb.modules.items()
                if any(error.option_name in option.opts for option in found.OPTIONS)
            ]
            if not of:
                raise
            raise click.UsageError(
                f"{error.option_name} is for {' or '.join(_a(title) for title in of)}; "
                f"this is {_a(self.family.title)}",
                ctx,
            ) from None


_SAID = ("quiet", "verbose")
"""Names of the options that ``main`` adds to every command."""


def _a(title: str) -> str:
    return f"an {title}" if title[0] in "aeiouxAEIOUX" else f"a {title}"


def _write_options(
    ctx: click.Context, formatter: click.HelpFormatter, title: str, options: Iterable[click.Parameter]
) -> None:
    records = [record for option in options if (record := option.get_help_record(ctx))]
    if records:
        with formatter.section(title):
            formatter.write_dl(records)

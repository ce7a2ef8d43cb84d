"""The command ``tileloom``. Its subcommands come from the entry points ``tileloom.commands``."""

from __future__ import annotations

import importlib.metadata
import os
import re
import sys
import warnings
from typing import Any

import click

from ..config import did_you_mean
from ..errors import TileloomError, UserError
from ..processes import Terminated, signals_raise
from .console import Verbosity, set_verbosity

GROUP = "tileloom.commands"
INTERRUPTED = 130
"""Exit status after Ctrl-C: 128 and the number of SIGINT. After SIGTERM it is 143 by the same rule."""


class _Mistake(click.ClickException):
    """A user's mistake as click tells it: one line, and the exit status of wrong options."""

    exit_code = UserError.exit_status


class Told(click.Command):
    """A command whose errors are told in one line with an exit status; ``tileloom``, and each benchmark."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; an error that a user is to be told becomes one line and an exit status."""
        try:
            return super().invoke(ctx)
        except TileloomError as error:
            if isinstance(error, UserError):
                raise _Mistake(str(error).replace("\n", "\\n")) from None
            raise click.ClickException(str(error)) from None
        except MemoryError as error:
            raise click.ClickException(f"not enough memory: {error}".removesuffix(": ")) from None


class Group(click.Group):
    """A group of commands that says which one is near where there is none of a name.

    Each of them takes ``--quiet`` and ``--verbose``.
    """

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command of this name, or None."""
        found = super().get_command(ctx, cmd_name)
        return found and _with_verbosity(found)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; of an unknown one say which is near."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError:
            name = args[0]
            near = did_you_mean(name, self.list_commands(ctx), "commands")
            raise click.UsageError(f"no such command: {name}{near}", ctx) from None


class Commands(Told, Group):
    """The installed packages' commands, each imported when asked for."""

    def main(self, *arguments: Any, **options: Any) -> Any:
        """Run from the command line: exit status 130 where it is interrupted, as shells have it."""
        if not options.get("standalone_mode", True):
            return super().main(*arguments, **options)
        try:
            with signals_raise():
                status: Any = super().main(*arguments, **{**options, "standalone_mode": False})
        except click.exceptions.NoArgsIsHelpError as asked:  # help, not a message
            asked.show()
            sys.exit(asked.exit_code)
        except click.ClickException as error:
            click.echo(f"Error: {_printable(error.format_message())}", err=True)
            sys.exit(error.exit_code)
        except OSError as error:
            if error.filename is not None:
                raise
            click.echo(f"Error: standard output: {error.strerror}", err=True)
            sys.exit(1)
        except (click.Abort, Terminated) as ended:
            # Amaranth would warn of hardware that was begun and is not used.
            warnings.simplefilter("ignore")
            click.echo("interrupted", err=True)
            sys.exit(ended.code if isinstance(ended, Terminated) else INTERRUPTED)
        sys.exit(status if isinstance(status, int) else 0)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands, in alphabetical order."""
        return sorted(entry.name for entry in importlib.metadata.entry_points(group=GROUP))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command of this name, or None."""
        found = importlib.metadata.entry_points(group=GROUP, name=cmd_name)
        return next((_with_verbosity(entry.load()) for entry in found), None)


def _printable(message: str) -> str:
    """Return a message with control characters as escapes, but for the ends of a tool's lines."""
    return re.sub(r"[\x00-\x09\x0b-\x1f\x7f]", lambda found: repr(found[0])[1:-1], message)


def _with_verbosity(command: click.Command) -> click.Command:
    """Return the command, with ``--quiet`` and ``--verbose``."""
    if not any(parameter.name == "quiet" for parameter in command.params):
        command.params += [
            _verbosity_option("-q", "--quiet", Verbosity.QUIET, "No progress and no notes."),
            _verbosity_option("-v", "--verbose", Verbosity.VERBOSE, "Also what the tools say."),
        ]
    return command


def _verbosity_option(short: str, long: str, verbosity: Verbosity, text: str) -> click.Option:
    def chosen(context: click.Context, parameter: click.Parameter, value: bool) -> None:
        if value:
            if context.meta.setdefault(GROUP, long) != long:
                raise click.UsageError("give --quiet or --verbose, not both")
            set_verbosity(verbosity)

    return click.Option([short, long], is_flag=True, expose_value=False, callback=chosen, help=text)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="tileloom")
def main() -> None:
    """Generate, simulate and synthesise the matrix hardware of sparse edge inference.

    CONFIG is a preset's name or a TOML file; the family of hardware follows from it. Any field can be set
    with --set FIELD=VALUE.

    \b
    The same three jobs for every family:
      tileloom generate stream-8x8-int8 -o build     Verilog and a manifest
      tileloom simulate stream-8x8-int8              bit for bit against the golden model
      tileloom synth stream-8x8-int8                 area by origin; --clock 2ns: timing too
    \b
      systolic arrays               sasp-8x8-int8, stream-8x8-fp32, ...
      block-sparse tile engine      engine-int8, engine-int8-axi4, engine-fp32, ...
      xDecimate unit for RISC-V     xfu-cv-x-if, xfu-cv32e40p, xfu-picorv32, xfu-unit
      cluster of cores with it      cluster-8, cluster-1
    \b
    Around them:
      tileloom power stream-8x8-int8 --liberty FILE --clock 2ns     energy by origin, leakage
      tileloom presets                               every preset; presets NAME: as TOML, to start from
      tileloom verify stream-8x8-int8 --formal       its arithmetic, proved; also --mutate, --soak
      tileloom estimate SPEC.toml                    a sparse accelerator by an analytical model
      tileloom roofline engine-int8 stream-8x8-int8  what bounds throughput and energy
      tileloom compile resnet-50 aie2-4x4            a network on a grid of cores, in time
      tileloom paper sasp                            the papers' tables beside ours
      tileloom board ulx3s-85f CONFIG -o DIR         on an FPGA board, or that board in simulation
      tileloom doctor                                which tools are there
      tileloom cache show                            simulator builds that are kept

    Exit status: 0 done; 1 a check failed, or a tool is missing or failed; 2 a mistake in what was given;
    130 interrupted (143 by SIGTERM).
    """
    set_verbosity(Verbosity.NORMAL)
    folder = os.environ.get("TMPDIR")
    if folder and not os.access(folder, os.W_OK | os.X_OK):  # Python would silently take another
        raise UserError(f"TMPDIR: {folder} is no folder that can be written to")

"""Errors that a person is told in one line, whatever part they come from.

The command line prints the message and ends with ``exit_status``; a program that uses the packages catches
``TileloomError``. Nothing here is for mistakes in Tileloom's own code: those keep their traceback.
"""

from __future__ import annotations


class TileloomError(Exception):
    """Something that was asked for could not be done; the message says what, and what would be right."""

    exit_status = 1


class UserError(TileloomError, ValueError):
    """A mistake in what the user gave: a file, a value, an option. The message names it."""

    exit_status = 2


class ConfigError(UserError):
    """A configuration that cannot be built; the message names the field and says what would be right."""


class ToolError(TileloomError):
    """A program or package is missing or failed; the message says which, and what to do."""


class CheckError(TileloomError):
    """Hardware and golden model differ, or the hardware stands still."""

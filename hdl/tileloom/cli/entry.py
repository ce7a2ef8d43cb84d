"""Where the program ``tileloom`` begins: ready for Ctrl-C before the imports, which take most of a second."""

from __future__ import annotations

import sys

from ..processes import Terminated, signals_raise


def main() -> None:
    """Run the command line; an interruption at any moment is one word and status 130, or 143 by SIGTERM."""
    try:
        with signals_raise():
            from .main import main as command

            command()
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(130)
    except Terminated:
        # Where the command line was there already, it has said so.
        if "tileloom.cli.main" not in sys.modules:
            print("interrupted", file=sys.stderr)
        raise


if __name__ == "__main__":
    main()

"""``python -m polargram``: the same command that ``cargo install polargram`` gives."""

import sys

from polargram._polargram import main as _main


def main() -> None:
    """Run the command with ``sys.argv`` and exit with its code."""
    sys.exit(_main(["polargram", *sys.argv[1:]]))


if __name__ == "__main__":
    main()

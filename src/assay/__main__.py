"""`python -m assay` and `assay` are the command line."""

from assay.interrupts import leave_when_interrupted


def main() -> None:
    """Run the command line; importing it takes a moment, in which Ctrl-C ends it with one line too."""
    leave_when_interrupted()
    from assay.cli import main as run

    run()


if __name__ == "__main__":
    main()

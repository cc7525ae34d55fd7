"""Run the command line with ``python -m oral_lesion``."""

from oral_lesion.cli.app import main

main()

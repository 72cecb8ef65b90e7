"""``python -m bridge`` is ``voevent-bridge``."""

from bridge.cli import main

main()

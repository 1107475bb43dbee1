"""Run ``python -m hubbub``, which is ``hubbub``."""

from hubbub.cli import main

main()

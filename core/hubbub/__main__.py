"""Run ``python -m hubbub``, which is ``hubbub``."""

from hubbub.cli import main

if __name__ == "__main__":
    main()

"""Keep unwanted messages out, and confidential ones in, by lists in plugins.toml."""

from hubbub_screen.options import ScreenOptions
from hubbub_screen.screen import Screen

__all__ = ["Screen", "ScreenOptions"]

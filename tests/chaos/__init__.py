"""Kill and starve a hub while it works; then count. See docs/decisions/0005-chaos.md."""

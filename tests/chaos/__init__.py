"""Kill and starve a hub while it works; then count. See docs/decisions/0016-chaos-over-all-types.md."""

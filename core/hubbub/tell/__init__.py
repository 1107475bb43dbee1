"""Tell plugins what was committed, each by itself."""

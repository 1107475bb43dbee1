"""Hold the migrations, in the order of their numbers."""

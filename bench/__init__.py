"""Measure the hub beside floors, in one run: ``python -m bench [--quick]``."""

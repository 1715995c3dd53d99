"""Measurements, one module per topic: `make bench-<topic>`, or `make bench` for all."""

"""Measurements, apart from the tests: `make bench` prints a table and writes `build/benchmarks.json`.

A row is `{name, value, unit, ratio_to, ratio}`. No test asserts an absolute time; on a noisy machine compare ratios of one run.
"""

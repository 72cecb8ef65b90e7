"""Benchmarks: each prints the machine, the versions, the input and a ratio against a named peer."""

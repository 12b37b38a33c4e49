"""Benchmarks: requests per second and CPU time, compared with baselines of the same run."""

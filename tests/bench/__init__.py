"""Benchmarks: each prints ratios against a named floor or rival; none decides a test."""

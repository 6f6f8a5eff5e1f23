"""Benchmarks: each prints ratios against a named floor or rival; none decides a test."""

from core.store.memory import arrange_memory

arrange_memory()  # as every desk does, before Arrow is loaded

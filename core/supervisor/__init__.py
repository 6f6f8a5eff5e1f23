"""Owns the processes: starts, watches and stops world, engine, sidecar and dashboard."""

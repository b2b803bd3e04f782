"""Plays episodes with samplers: the collector, its lanes, and the curriculum of tasks."""

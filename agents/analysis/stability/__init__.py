"""Whether a run stays healthy: rewards, KL, lengths, validity by role over steps; alarms with step and reason."""

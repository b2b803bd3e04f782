"""Settings of a run as frozen records, presets and their checks. No torch."""

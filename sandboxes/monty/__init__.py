"""The fast interpreter in front of another sandbox, and which programs it may answer."""

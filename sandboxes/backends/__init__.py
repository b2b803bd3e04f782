"""Starts and stops one worker, as a process or in a container, with the packages that it finds there."""

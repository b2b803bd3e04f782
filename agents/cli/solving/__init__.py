"""Samples of proposals solved anew by the models of runs, one model at a time, for whoever asks what proposers ask."""

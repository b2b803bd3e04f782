"""The questions of `selfplay analyze`, one module each."""

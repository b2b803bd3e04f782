"""The program `selfplay`, one module per verb."""

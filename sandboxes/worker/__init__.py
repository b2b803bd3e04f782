"""The program in the other process, which forks, isolates and runs. Shipped as source: standard library only."""

"""The records that cross the seam of a sandbox, its protocols, caps on jobs, counters and errors."""

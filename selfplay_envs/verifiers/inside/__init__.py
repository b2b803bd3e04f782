"""Programs that verifiers put in front of a tested program; they run in the sandbox and are read as text here."""

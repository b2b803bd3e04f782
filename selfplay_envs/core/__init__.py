"""The game protocol and its records: messages, verdicts, episodes, spaces, errors."""

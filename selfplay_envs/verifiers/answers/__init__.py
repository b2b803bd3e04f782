"""Verifiers of fixed problems by name: how an answer is found in a reply, how it is judged, and what the gold reply is."""

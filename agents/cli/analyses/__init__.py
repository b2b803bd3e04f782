"""The questions of `selfplay analyze`, one module each, and the report that answers all of them."""

"""Programs judged by a reference program on given inputs: its outputs, which are kept, and how values are compared."""

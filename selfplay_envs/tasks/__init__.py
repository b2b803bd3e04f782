"""Tasks as data: programs as text (never run), code tasks, and the buffer that keeps them."""

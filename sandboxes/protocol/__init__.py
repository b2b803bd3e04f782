"""The common language of host and worker: values as text, frames of bytes, quiet parsing. Standard library only."""

"""Things by name: registries, `module:NAME`, options in a text, and the ids of games."""

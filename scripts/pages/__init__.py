"""The pages of `docs/` that are made from the sources: one file, one kind of page."""

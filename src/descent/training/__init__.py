"""Train a run: its objects, its engine and its recorder."""

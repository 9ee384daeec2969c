"""How a run is trained: its objects, its engine and its recorder."""

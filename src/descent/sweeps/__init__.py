"""How the runs of a study are planned, launched and shared out."""

"""What is printed: one run, a sweep, and their tables."""

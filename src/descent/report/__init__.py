"""Report a comparison: the page, its tables, and TensorBoard's medians."""

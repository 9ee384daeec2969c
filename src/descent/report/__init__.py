"""What a comparison shows: the page, its tables and TensorBoard's medians."""

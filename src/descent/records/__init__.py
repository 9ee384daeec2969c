"""What a run leaves behind: its curve, its result, TensorBoard events and where it ran. No torch, no Lightning."""

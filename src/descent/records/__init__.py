"""The files of a run: its curve, its result, TensorBoard events and its environment. No torch, no Lightning."""

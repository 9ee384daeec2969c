"""The optimizers that torch.optim lacks. One file, one optimizer."""

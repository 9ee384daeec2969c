"""What is minimised: data, model, loss and, where it is known, the optimum. One file, one family."""

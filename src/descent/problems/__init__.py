"""Problems: data, model, loss and, if known, the optimum. One file, one family."""

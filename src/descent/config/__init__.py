"""The typed settings of a run, their identity, and their composition from yaml. No torch, no Lightning."""

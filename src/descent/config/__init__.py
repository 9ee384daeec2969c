"""What a run is: its typed settings, their identity, and how they are composed from yaml. No torch, no Lightning."""

"""The demo base and its partner: all of our own making, the same at every start."""

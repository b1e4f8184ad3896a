"""The demonstration: a base of our own making, a partner to harvest, and the command that brings them up.

Outside the wheel: nothing in the four packages may need it.
"""

"""Nights at a partner's: the world in which they take place, and the scenarios played there."""

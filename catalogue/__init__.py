"""What the centre holds, and the rules about it."""

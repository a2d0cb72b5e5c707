"""What a message says, beyond its words: how it sounds."""

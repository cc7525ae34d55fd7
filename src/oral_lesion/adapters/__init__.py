"""What leaves the program in the formats of others; adapters do not know each other."""

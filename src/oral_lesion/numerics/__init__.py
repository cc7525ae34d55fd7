"""Arrays in, arrays out: colour, geometry, uncertainty."""

"""Files: photographs in, tables and pictures out, and the settings and models between."""

"""Review in annotation tools: outlines to start from, and what readers return."""

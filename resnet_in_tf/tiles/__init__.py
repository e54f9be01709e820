"""Pictures larger than memory allows in one pass, in tiles that agree."""

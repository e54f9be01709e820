"""The paper's measures, one a file, and the report that puts them side by side."""

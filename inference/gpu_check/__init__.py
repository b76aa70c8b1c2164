"""Measures on a GPU, in minutes, what could only be estimated without one."""

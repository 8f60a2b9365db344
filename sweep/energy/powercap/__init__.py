"""RAPL as Linux shows it: its zones, the domains that they make, and the right to read them."""

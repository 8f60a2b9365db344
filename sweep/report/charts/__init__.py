"""Charts, one file each: info() computes the numbers, plot() draws them."""

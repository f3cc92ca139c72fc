"""What `./shoal` is made of: one module for each thing it knows, one in commands/ for each thing it does."""

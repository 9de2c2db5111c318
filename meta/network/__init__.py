"""Network: architecture, weights and forward pass, with compiled kernels beside what calls them."""

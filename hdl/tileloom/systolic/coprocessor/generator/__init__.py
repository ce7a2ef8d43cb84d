"""The address generator beside the array: it fetches activations, sums and weights, and stores sums."""

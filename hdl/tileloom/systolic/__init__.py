"""The weight-stationary systolic array: processing element, mesh, edges, and the two tops."""

"""SASP's figures and tables, each beside the paper's."""

"""What the commands on networks say: figures for programs, tables for people."""

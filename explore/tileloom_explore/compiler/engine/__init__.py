"""Programs on our engines: their commands, and what the RTL makes of them."""

"""The array as a functional unit of a processor: an instruction for each word that goes in or out.

The tightly coupled use of Palacios et al., *Systolic Arrays and Structured Pruning Co-design for Efficient
Transformers in Edge Systems* (SASP), whose functional model is TiC-SAT. ``docs/coprocessor.md`` has the
instructions.
"""

"""Random programs of RISC-V instructions, run on a core and held to Unicorn, a model of RV32IMC."""

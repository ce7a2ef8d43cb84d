"""What a functional unit of any family needs beside a RISC-V core: CV-X-IF, edits of its sources."""

"""RV32IM instructions that the random programs are made of: words, and what some of them compute."""

OP, OP_IMM, LUI, LOAD, STORE, BRANCH, JAL, SYSTEM = 0x33, 0x13, 0x37, 0x03, 0x23, 0x63, 0x6F, 0x73

FENCE, FENCE_I, MRET = 0x0FF0000F, 0x0000100F, 0x30200073

MSTATUS, MIE, MTVEC, MSCRATCH, MEPC, MCAUSE = 0x300, 0x304, 0x305, 0x340, 0x341, 0x342


def op(funct7: int, funct3: int, rd: int, rs1: int, rs2: int) -> int:
    return funct7 << 25 | rs2 << 20 | rs1 << 15 | funct3 << 12 | rd << 7 | OP


def op_imm(funct3: int, rd: int, rs1: int, imm: int) -> int:
    return (imm & 0xFFF) << 20 | rs1 << 15 | funct3 << 12 | rd << 7 | OP_IMM


def addi(rd: int, rs1: int, imm: int) -> int:
    return op_imm(0, rd, rs1, imm)


def lui(rd: int, upper: int) -> int:
    return (upper & 0xFFFFF) << 12 | rd << 7 | LUI


def constant(rd: int, value: int) -> list[int]:
    """Return the two instructions that put any 32-bit value into a register."""
    low = (value & 0xFFF ^ 0x800) - 0x800
    return [lui(rd, (value - low) >> 12), addi(rd, rd, low)]


def load(funct3: int, rd: int, rs1: int, imm: int) -> int:
    return (imm & 0xFFF) << 20 | rs1 << 15 | funct3 << 12 | rd << 7 | LOAD


def store(funct3: int, rs2: int, rs1: int, imm: int) -> int:
    imm &= 0xFFF
    return (imm >> 5) << 25 | rs2 << 20 | rs1 << 15 | funct3 << 12 | (imm & 31) << 7 | STORE


def sw(rs2: int, rs1: int, imm: int) -> int:
    return store(2, rs2, rs1, imm)


def branch(funct3: int, rs1: int, rs2: int, distance: int) -> int:
    d = distance & 0x1FFF
    high = (d >> 12) << 6 | d >> 5 & 0x3F
    return (
        high << 25 | rs2 << 20 | rs1 << 15 | funct3 << 12 | (d >> 1 & 15) << 8 | (d >> 11 & 1) << 7 | BRANCH
    )


def jal(rd: int, distance: int) -> int:
    d = distance & 0x1FFFFF
    imm = (d >> 20) << 19 | (d >> 1 & 0x3FF) << 9 | (d >> 11 & 1) << 8 | d >> 12 & 0xFF
    return imm << 12 | rd << 7 | JAL


def csrrw(rd: int, csr: int, rs1: int) -> int:
    return csr << 20 | rs1 << 15 | 1 << 12 | rd << 7 | SYSTEM


def csrrs(rd: int, csr: int, rs1: int) -> int:
    return csr << 20 | rs1 << 15 | 2 << 12 | rd << 7 | SYSTEM


def csrrci(rd: int, csr: int, bits: int) -> int:
    return csr << 20 | bits << 15 | 7 << 12 | rd << 7 | SYSTEM


def arithmetic(x: int, y: int) -> list[tuple[int, int, int]]:
    """Return funct7, funct3 and the result of register-register instructions on x and y."""
    a, b = (value - (1 << 32) if value >> 31 else value for value in (x, y))
    quotient = -1 if b == 0 else abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)
    results = [
        (0, 0, x + y),
        (0x20, 0, x - y),
        (0, 4, x ^ y),
        (0, 7, x & y),
        (0, 1, x << (y & 31)),
        (1, 0, x * y),
        (1, 1, a * b >> 32),
        (1, 3, x * y >> 32),
        (1, 4, quotient),
        (1, 5, x // y if y else -1),
        (1, 6, a - b * quotient if b else a),
        (1, 7, x % y if y else x),
    ]
    return results

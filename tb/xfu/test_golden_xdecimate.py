"""The instruction against the paper's bit slices, written a second time on strings of bits."""

import doctest

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tileloom_golden.xfu import xdecimate
from tileloom_golden.xfu.xdecimate import (
    GROUPS,
    Decimate,
    Hart,
    LoadError,
    Memory,
    SwapCounter,
    address,
    decimate,
    decode,
    merge,
    offset,
    step,
)

words = st.one_of(
    st.integers(0, 0xFFFFFFFF), st.sampled_from([0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFF0, 0xFFFFFFFF])
)
counters = st.one_of(st.integers(0, 0xFFFF), st.integers(0xFFF0, 0xFFFF), st.integers(0, 16))


def bits(value: int, high: int, low: int, width: int = 32) -> int:
    """Return value[high:low], cut out of its binary digits."""
    digits = format(value, f"0{width}b")
    return int(digits[width - 1 - high : width - low], 2)


def paper(m: int, rd: int, rs1: int, rs2: int, csr: int, memory) -> tuple[int, int, int]:
    """Return address, rd and csr after the instruction, as the paper writes them down."""
    if m == 4:
        i = bits(csr, 3, 0, 16)
        o = bits(rs2, i * 2 + 1, i * 2)
    else:
        i = bits(csr, 2, 0, 16)
        o = bits(rs2, i * 4 + 3, i * 4) % m
    place = (rs1 + m * bits(csr, 15, 1, 16) + o) % 2**32
    lanes = list(rd.to_bytes(4, "little"))
    lanes[bits(csr, 2, 1, 16)] = memory(place)
    return place, int.from_bytes(lanes, "little"), (csr + 1) % 2**16


def scrambled(place: int) -> int:
    """Return a byte for every address of the 4 GiB, different between neighbours."""
    return (place * 0x9E3779B1 >> 11) & 0xFF


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.sampled_from(GROUPS), words, words, words, counters)
def test_one_instruction_is_the_papers(m, rd, rs1, rs2, csr):
    place, value, after = paper(m, rd, rs1, rs2, csr, scrambled)
    assert address(m, rs1, rs2, csr) == place
    assert decimate(m, rd=rd, rs1=rs1, rs2=rs2, counter=csr, load=scrambled) == value
    assert step(csr) == after


@pytest.mark.parametrize("m", GROUPS)
def test_arrays_are_independent_harts(rng, m):
    rd, rs1, rs2 = rng.integers(0, 1 << 32, (3, 500))
    csr = rng.integers(0, 1 << 16, 500)
    got = decimate(m, rd=rd, rs1=rs1, rs2=rs2, counter=csr, load=scrambled)
    expected = [paper(m, *map(int, state), scrambled)[1] for state in zip(rd, rs1, rs2, csr, strict=True)]
    np.testing.assert_array_equal(got, expected)
    np.testing.assert_array_equal(step(csr), [(int(c) + 1) % 65536 for c in csr])
    # one counter for all, as in a kernel
    np.testing.assert_array_equal(offset(m, rs2, 9), [offset(m, int(word), 9) for word in rs2])


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.data(), st.sampled_from(GROUPS))
def test_sequences(data, m):
    """Any registers, x0 and equal ones among them, with faults, swaps and other writes in between."""
    register = st.integers(0, 4)
    hart = Hart(load=None, counter=data.draw(counters))
    hart.registers[1:5] = [data.draw(words) for _ in range(4)]
    state, csr, executed = list(hart.registers), hart.counter, 0
    for _ in range(data.draw(st.integers(1, 40))):
        rd, rs1, rs2 = data.draw(register), data.draw(register), data.draw(register)
        match data.draw(st.sampled_from(["decimate", "decimate", "decimate", "fault", "swap", "write"])):
            case "decimate":
                hart.load = scrambled
                hart.execute(Decimate(m, rd, rs1, rs2))
                _, state[rd], csr = paper(m, state[rd], state[rs1], state[rs2], csr, scrambled)
                executed += 1
            case "fault":
                place = paper(m, 0, state[rs1], state[rs2], csr, scrambled)[0]
                hart.load = Memory(np.zeros(0, int)).load
                with pytest.raises(LoadError) as error:
                    hart.execute(Decimate(m, rd, rs1, rs2))
                assert error.value.address == place
            case "swap":
                hart.execute(SwapCounter(rd, rs1))
                csr, state[rd] = bits(state[rs1], 15, 0), csr
            case "write":
                value = data.draw(words)
                hart.write(rd, value)
                state[rd] = value
        state[0] = 0
        assert (hart.registers, hart.counter) == (state, csr)


def test_four_groups_fill_a_register_and_the_next_four_overwrite_it():
    hart = Hart(Memory(np.arange(256)).load)
    hart.registers[11:14] = [0, 128, 0x7733_1100]  # two patches; offsets 0, 1, 3, 7, each twice
    pair = [Decimate(16, 14, 11, 13), Decimate(16, 15, 12, 13)]
    hart.run(pair * 4)
    assert [f"{word:08x}" for word in hart.registers[14:16]] == ["37231100", "b7a39180"]
    hart.run(pair)
    assert [f"{word:08x}" for word in hart.registers[14:16]] == ["37231140", "b7a391c0"]
    assert hart.counter == 10


def test_the_counter_is_cleared_saved_and_restored():
    hart = Hart(scrambled, counter=0xFFFF)
    hart.run([SwapCounter(10, 0)])  # save, and clear
    assert (hart.registers[10], hart.counter) == (0xFFFF, 0)
    hart.run([Decimate(8, 11, 12, 13), SwapCounter(10, 10)])  # another task runs; restore
    assert (hart.registers[10], hart.counter) == (1, 0xFFFF)
    hart.run([Decimate(8, 11, 12, 13), SwapCounter(0, 0)])
    assert hart.counter == 0 and hart.registers[0] == 0


def test_the_counter_wraps_and_so_does_the_address():
    assert step(0xFFFF) == 0
    assert address(16, 0xFFFFFFFF, 0xFFFFFFFF, 0xFFFF) == (0xFFFFFFFF + 16 * 0x7FFF + 15) % 2**32
    assert merge(0, 0x80, 0xFFFF) == 0x80000000


def test_bit_3_of_an_offset_is_ignored_for_m_8_alone():
    assert [offset(m, 0xFFFFFFFF, 3) for m in GROUPS] == [3, 7, 15]


def test_a_fault_stops_a_run_before_its_instruction_and_it_can_be_tried_again():
    memory = Memory(np.arange(100, 132), base=0x80000000, faulty={0x80000000 + 8})
    hart = Hart(memory.load)
    hart.registers[11:13] = [0x80000000, 0]
    program = [Decimate(4, 10, 11, 12)] * 8
    with pytest.raises(LoadError, match="load at 0x80000008 faults"):
        hart.run(program)
    assert (hart.counter, hart.registers[10]) == (4, 100 | 104 << 8)
    memory.faulty.clear()
    hart.run(program[hart.counter :])
    assert (hart.counter, hart.registers[10]) == (8, 100 | 104 << 8 | 108 << 16 | 112 << 24)


def test_memory_answers_inside_its_image_alone():
    memory = Memory(np.array([-1, 128, 5], np.int16), base=16, faulty={18})
    np.testing.assert_array_equal(memory.load(np.array([[17, 16]])), [[128, 255]])
    assert memory.load(16) == 255 and type(memory.load(16)) is int
    for bad in (15, 18, 19, 0xFFFFFFFF):
        with pytest.raises(LoadError) as error:
            memory.load(np.array([16, bad, 0]))
        assert error.value.address == bad


def test_every_encoding():
    good = 0
    for funct2 in range(4):
        for rd, rs2, rs3 in np.ndindex(32, 32, 32):
            got = decode(funct2=funct2, rd=rd, rs1=7, rs2=rs2, rs3=rs3)
            if funct2 == 3:
                expected = SwapCounter(rd, 7) if (rs2, rs3) == (0, 0) else None
            else:
                expected = Decimate(4 << funct2, rd, 7, rs2) if rs3 == rd else None
            assert got == expected
            good += got is not None
    assert good == 3 * 32 * 32 + 32


def test_what_is_not_built_is_a_bad_encoding():
    for built in [(4,), (8, 16), ()]:
        for funct2, m in enumerate(GROUPS):
            instruction = decode(funct2=funct2, rd=1, rs1=2, rs2=3, rs3=1, built=built)
            assert (instruction is not None) == (m in built)
        assert decode(funct2=3, rd=1, rs1=2, rs2=0, rs3=0, built=built) == SwapCounter(1, 2)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: decimate(2, rd=0, rs1=0, rs2=0, counter=0, load=scrambled), "m is 2, not 4, 8 or 16"),
        (lambda: Memory(np.array([0, 256])), r"data\[1\] does not fit a byte"),
        (lambda: Memory(np.array([0, -129])), r"data\[1\] does not fit a byte"),
        (lambda: Memory(np.zeros((2, 2), int)), "data has shape"),
        (lambda: Memory(np.zeros(2)), "data has dtype float64"),
        (lambda: Memory(np.zeros(2, int), base=0xFFFFFFFF), "2 bytes at 0xffffffff do not lie in"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_the_examples_hold():
    outcome = doctest.testmod(xdecimate)
    assert outcome.attempted and not outcome.failed

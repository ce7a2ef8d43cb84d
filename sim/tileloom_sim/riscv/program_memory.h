// What a program lies in and works on: bytes from MEMORY on, loaded from files and saved to them.
#pragma once
#include <cstdint>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "bus.h"
#include "harness.h"

class ProgramMemory {
public:
    // `name` is what messages call it.
    explicit ProgramMemory(std::string name) : name_(std::move(name)) {}

    std::vector<uint8_t>& bytes() { return bytes_; }

    // Where bytes are, or nullptr if not all of them are there.
    uint8_t* place(uint32_t address, uint64_t bytes) {
        if (address < MEMORY || address - MEMORY + bytes > bytes_.size()) return nullptr;
        return &bytes_[address - MEMORY];
    }
    // ADDRESS:FILE
    void load(const std::string& text) {
        const auto fields = split(text, 2);
        const auto bytes = read_file<uint8_t>(fields[1]);
        uint8_t* target = place(number(fields[0]), bytes.size());
        if (!target) fail(fields[1] + ": does not fit into " + name_);
        std::memcpy(target, bytes.data(), bytes.size());
    }
    // ADDRESS:BYTES:FILE
    void save(const std::string& text) {
        const auto fields = split(text, 3);
        const uint64_t bytes = number(fields[1]);
        const uint8_t* source = place(number(fields[0]), bytes);
        if (!source) fail(fields[2] + ": not all of it is in " + name_);
        Output file(fields[2]);
        file.write(source, bytes);
        file.close();
    }

private:
    std::string name_;
    std::vector<uint8_t> bytes_;
};

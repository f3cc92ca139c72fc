// A translated block: straight-line code that runs from its first instruction to its last. Made once, never freed.
#pragma once

#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

namespace shoal::sim {

struct Block {
    uint32_t id = 0;
    uint64_t pc = 0;        // of its first instruction; programs share addresses
    uint64_t code_page = 0;  // where the host has its code: tells programs apart
    uint64_t cycles = 0;    // fixed charges of all its instructions
    uint64_t instructions = 0;
    std::vector<uint8_t> code;

    [[nodiscard]] bool in_kernel() const { return pc >> 63 != 0; }
};

// Says once for each block what code it is, so that a reader can tell which program it belongs to: BLOCK id pc code.
class BlockNames {
  public:
    void print(std::FILE* out, const Block& block) {
        if (block.id >= printed_.size()) printed_.resize(block.id + 1);
        if (printed_[block.id]) return;
        printed_[block.id] = true;
        std::string code;
        for (const uint8_t byte : block.code) {
            constexpr char kDigits[] = "0123456789abcdef";
            code += kDigits[byte >> 4];
            code += kDigits[byte & 15];
        }
        std::fprintf(out, "BLOCK %u %lx %s\n", block.id, block.pc, code.c_str());
    }

  private:
    std::vector<bool> printed_;
};

}  // namespace shoal::sim

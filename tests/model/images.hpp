// Executables that the model loads: good ones of several sizes and places, and spoiled ones.
#pragma once

#include <vector>

#include "servers/vm/loader/elf_image.hpp"
#include "tests/unit/vm_space/elf_file.hpp"

namespace shoal::model {

struct Image {
    vm::test::File file;
    vm::ElfReason reason = vm::ElfReason::None;  // not to load it
    [[nodiscard]] std::vector<uint64_t> words() const { return vm::test::contents_of(file); }
};

const std::vector<Image>& images();

}  // namespace shoal::model

#include "servers/rs/boot_image.hpp"

#include <stdio.h>
#include <string.h>

#include "servers/rs/platform/platform.hpp"

namespace shoal::rs {

int BootImages::index_of(const char* name) const {
    for (uint32_t i = 0; i < table_.count; ++i) {
        const BootImage::Entry& entry = table_.entry[i];
        if (!given_back_[i] && strncmp(entry.name, name, sizeof entry.name) == 0)
            return static_cast<int>(i);
    }
    return -1;
}

Image BootImages::find(const char* name) const {
    const int index = index_of(name);
    if (index < 0) return {};
    return {table_.entry[index].start, table_.entry[index].bytes};
}

void BootImages::give_back(const char* name) {
    const int index = index_of(name);
    if (index < 0) return;
    const Image image = find(name);
    given_back_[index] = true;
    const uint64_t bytes = PageCount::covering(image.bytes).bytes();
    if (const Result<void> gone = platform::unmap(image.start, bytes); !gone.ok())
        printf("rs: image %s stays: %s\n", name, error_text(gone.error()));
}

const char* BootImages::name(uint32_t index) const {
    return index < table_.count ? table_.entry[index].name : nullptr;
}

}  // namespace shoal::rs

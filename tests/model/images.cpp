#include "tests/model/images.hpp"

namespace shoal::model {

namespace {

using vm::ElfReason;
using vm::ElfSegment;
using vm::test::File;

constexpr uint64_t kUsual = 0x40'0000;
constexpr unsigned kData = 2;  // of its segments

Image at(uint64_t base) {
    Image image{vm::test::good_file()};
    for (ElfSegment& segment : image.file.segments)
        if (segment.memory_bytes > 0) segment.address += base - kUsual;
    image.file.header.entry += base - kUsual;
    return image;
}

// With more pages than the loader fills in one step, and more behind them that are not in the file. Ends where heaps without an image begin.
Image large() {
    constexpr uint64_t kPagesOfFile = 80, kBytes = 700 * kPageSize, kEnd = uint64_t{1} << 28;
    Image image = at(kEnd - kBytes - 0x5000);
    ElfSegment& data = image.file.segments[kData];
    data.file_bytes = kPagesOfFile * kPageSize + 0x123;
    data.memory_bytes = kBytes - 0x10;
    image.file.bytes = 0x6000 + kPagesOfFile * kPageSize;
    return image;
}

template <typename Spoil>
Image spoiled(ElfReason reason, Spoil spoil) {
    Image image = at(kUsual);
    image.reason = reason;
    spoil(image.file);
    return image;
}

}  // namespace

const std::vector<Image>& images() {
    constexpr uint64_t kAmongMaps = 0x2000'0000 + kLeafSize - 7 * kPageSize;  // its data lie on both sides of a leaf's end
    static const std::vector<Image> all = {
        at(kUsual),
        at(kAmongMaps),
        large(),
        spoiled(ElfReason::Magic, [](File& file) { file.header.identification[1] = 'F'; }),
        spoiled(ElfReason::WriteExecute, [](File& file) { file.segments[kData].flags |= ElfSegment::kExecute; }),
        spoiled(ElfReason::Entry, [](File& file) { file.header.entry = kUsual; }),
        spoiled(ElfReason::SegmentOutsideFile, [](File& file) { file.segments[kData].file_bytes = 0x2000; }),
    };
    return all;
}

}  // namespace shoal::model

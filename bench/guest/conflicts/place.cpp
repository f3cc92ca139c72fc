#include "bench/guest/conflicts/place.hpp"

namespace shoal::bench {
namespace {

// The upper half of the 2^47 user addresses is divided into slices, one a CPU, in which VM places maps (servers/vm/README.md). These
// addresses lie in the slices of CPU 0 and 1 of a machine with two, far from where VM begins to fill them.
constexpr uint64_t kSlices = uint64_t{1} << 46, kSlice = uint64_t{1} << 45;
constexpr uint64_t kIntoSlice = uint64_t{1} << 44;

char* at(uint64_t address) { return reinterpret_cast<char*>(address); }
uint64_t in_slice(unsigned actor) { return kSlices + actor * kSlice + kIntoSlice; }

}  // namespace

char* shared_region() { return at(in_slice(0) + 16 * kLeafBytes); }

Place place_of(Relation relation, unsigned actor) {
    switch (relation) {
        case Relation::OtherProcess:
        case Relation::OtherRegion: return {at(in_slice(actor))};
        case Relation::OtherLeaf: return {shared_region() + actor * 2 * kLeafBytes};
        case Relation::SameLeaf: return {shared_region() + actor * (kLeafBytes / 2)};
    }
    return {nullptr};
}

}  // namespace shoal::bench

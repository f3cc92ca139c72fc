// Where two actors work, and so how close to each other.
#pragma once

#include <cstddef>
#include <cstdint>

namespace shoal::bench {

inline constexpr size_t kPageBytes = 4096;
inline constexpr size_t kLeafBytes = size_t{2} << 20;
inline constexpr size_t kPlacePages = 256;  // two places fill a leaf
inline constexpr unsigned kActors = 2;

enum class Relation : uint8_t { OtherProcess, OtherRegion, OtherLeaf, SameLeaf };
inline constexpr Relation kRelations[] = {Relation::OtherProcess, Relation::OtherRegion,
                                          Relation::OtherLeaf, Relation::SameLeaf};

constexpr const char* name(Relation relation) {
    switch (relation) {
        case Relation::OtherProcess: return "other-process";
        case Relation::OtherRegion: return "other-region";
        case Relation::OtherLeaf: return "other-leaf";
        case Relation::SameLeaf: return "same-leaf";
    }
    return "?";
}

// kPlacePages pages of address space that belong to one actor.
struct Place {
    char* start;

    [[nodiscard]] char* page(size_t index) const { return start + index * kPageBytes; }
    static constexpr size_t bytes() { return kPlacePages * kPageBytes; }
};

// Places in one region: it is mapped around both of them.
constexpr bool shares_region(Relation relation) {
    return relation == Relation::OtherLeaf || relation == Relation::SameLeaf;
}
inline constexpr size_t kSharedBytes = 4 * kLeafBytes;

// OtherProcess: processes see nothing of each other. OtherRegion: each in the part of the address space where VM places what that
// actor's CPU maps. OtherLeaf: two leaves of one region. SameLeaf: the halves of a leaf.
Place place_of(Relation relation, unsigned actor);
// Where the region of OtherLeaf and SameLeaf begins.
char* shared_region();

}  // namespace shoal::bench

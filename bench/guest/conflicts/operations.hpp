// What the actors do to their places. The measured part of an operation is run(); prepare() and clean() bring the place into the
// state that it needs, and back to unmapped.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "abi/endpoint.hpp"
#include "bench/guest/conflicts/place.hpp"

namespace shoal::bench {

inline constexpr uint32_t kTimes = 8;  // that most operations are done in one measurement

// What an operation needs.
struct Actor {
    Place place;
    bool fixed;       // maps go to the place; else VM finds addresses, as it does for most programs
    Endpoint server;  // answers questions, on this actor's CPU
    char* mapped[kTimes] = {};
};

// How an operation's place is found before run().
enum class Ready : uint8_t { Unmapped, Mapped, Resident };

struct ConflictOperation {
    const char* name;
    Ready ready;
    bool has_place;       // false: it does the same wherever the actors are, so it is measured between regions and processes only
    uint32_t times;       // that run() does it
    void (*run)(Actor& actor);
    void (*clean)(Actor& actor) = nullptr;  // what unmapping the place does not undo
};

std::span<const ConflictOperation> conflict_operations();

// Maps (and touches) the actor's place as the operation wants it.
void prepare(const ConflictOperation& operation, Actor& actor);
void clean(const ConflictOperation& operation, Actor& actor);

}  // namespace shoal::bench

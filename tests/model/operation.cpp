#include "tests/model/operation.hpp"

#include <cinttypes>
#include <cstdio>

namespace shoal::model {

namespace {

constexpr const char* kKindNames[kKinds] = {"map",  "unmap", "protect", "dontneed", "brk",
                                            "read", "write", "execute", "share", "renew", "fork", "clear", "touch", "remap", "map file", "file forget", "cache set", "cache map", "cache forget",
                                            "joint map", "joint unmap", "joint revoke", "update", "will exit", "rights", "watch", "signal",
                                            "news", "map device", "unmap device", "map image", "unmap shared", "physical", "references",
                                            "hold", "end hold", "lost hold", "regions", "memory control", "prepare", "load",
                                            "await news", "answer", "reach"};

}  // namespace

std::string describe(const Operation& op) {
    char text[256];
    if (is_access(op.kind)) {
        std::snprintf(text, sizeof text, "cpu %u space %u %s %#" PRIx64 " word %u value %#" PRIx64,
                      op.worker, op.space, kKindNames[static_cast<unsigned>(op.kind)], op.address,
                      kWordIndex[op.word], op.value);
    } else {
        std::snprintf(text, sizeof text,
                      "cpu %u space %u %s %#" PRIx64 "+%#" PRIx64 " protection %" PRIu64 " flags %#" PRIx64
                      " other %u value %#" PRIx64,
                      op.worker, op.space, kKindNames[static_cast<unsigned>(op.kind)], op.address,
                      op.bytes, op.protection, op.flags, op.other, op.kind >= Kind::Remap ? op.value : 0);
    }
    return text;
}

std::string describe(const Operation& op, const Outcome& outcome) {
    char text[128];
    if (is_access(op.kind)) {
        constexpr const char* kAccessNames[] = {"done", "refused", "out of memory"};
        std::snprintf(text, sizeof text, " -> %s %#" PRIx64,
                      kAccessNames[static_cast<unsigned>(outcome.access)], outcome.value);
    } else {
        std::snprintf(text, sizeof text, " -> %s, address %#" PRIx64 " value %#" PRIx64 " more %#" PRIx64, error_text(outcome.error),
                      outcome.address, outcome.value, outcome.more);
    }
    return describe(op) + text;
}

}  // namespace shoal::model

// exhaust: memory, slots of processes and threads, regions and quotas, each to its end by several processes at once, and back: right
// errors, and afterwards nothing is gone.
//     processes=N  at once (4)   rounds=N  of memory, or of the only one (3)   only=N  the resource of that number alone (0: all)
#include <stdio.h>
#include <string.h>

#include "tests/guest/arguments.hpp"
#include "tests/guest/exhaust/crowd.hpp"
#include "tests/guest/exhaust/resources.hpp"
#include "tests/guest/inventory.hpp"

namespace shoal::test {
namespace {

struct Role {
    const char* name;
    int (*play)();
};
constexpr Role kRoles[] = {{"eat", eat_memory},     {"hold", hold_a_slot},        {"threads", take_threads}, {"regions", take_regions},
                           {"quota", take_quota}, {"overdraw", overdraw_quota}, {"load", be_a_load}};

struct Resource {
    const char* name;
    void (*exhaust)(Verdict& verdict, unsigned crowd);
};
constexpr Resource kResources[] = {{"memory", exhaust_memory},   {"processes", exhaust_processes}, {"threads", exhaust_threads},
                                   {"regions", exhaust_regions}, {"quota", exhaust_quota}};

// Caches of each CPU grow for a while and then stay; a leak goes on for ever. So a round must end with nothing lost since it
// began, but the first rounds need not. Nor need every later one: which objects share a slab is chance, and one of them keeps it. Of
// 30 equal rounds of threads each ended with up to 43 slabs more or 60 fewer than the one before, of 700; every other one with at most
// kGrownSlabs more. A thread or process that leaves a slab behind does so in all of them.
constexpr unsigned kRounds = 12, kGrownSlabs = 16;

void exhaust(Verdict& verdict, const Resource& resource, unsigned crowd, unsigned rounds) {
    const char* reason = nullptr;
    for (unsigned round = 0; round < rounds + kRounds && !verdict.failed(); ++round) {
        const Result<Inventory> before = Inventory::take();
        resource.exhaust(verdict, crowd);
        const Result<Inventory> after = Inventory::take();
        if (!before.ok() || !after.ok()) return verdict.fail("VM does not tell its figures");
        printf("exhaust: %s, round %u\n", resource.name, round);
        for (const Inventory& each : {before.value(), after.value()}) each.print("exhaust");
        reason = after.value().loss_since(before.value(), kGrownSlabs);
        if (reason == nullptr && round + 1 >= rounds) return;
    }
    if (reason != nullptr) verdict.fail("%s: %s", resource.name, reason);
}

}  // namespace
}  // namespace shoal::test

int main(int argument_count, char** arguments) {
    using namespace shoal::test;
    for (const Role& role : kRoles)
        if (argument_count == 2 && strcmp(arguments[1], role.name) == 0) return role.play();
    Verdict verdict("exhaust");
    const uint64_t asked = number_argument(argument_count, arguments, "processes", 4);
    const auto crowd = static_cast<unsigned>(asked < Crowd::kMost ? asked : Crowd::kMost);
    const auto rounds = static_cast<unsigned>(number_argument(argument_count, arguments, "rounds", 3));
    const uint64_t only = number_argument(argument_count, arguments, "only", 0);
    uint64_t number = 0;
    for (const Resource& resource : kResources)
        if (++number == only || only == 0) exhaust(verdict, resource, crowd, number == 1 || only != 0 ? rounds : 1);
    return verdict.finish();
}

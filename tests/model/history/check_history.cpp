// check_history: reads a guest's console from standard input; 0 if some order explains the history in it, 1 and the first answer that none explains, or what
// is wrong with the lines.
#include <cstdio>
#include <iostream>

#include "tests/model/history/event_log.hpp"

int main() {
    const shoal::model::EventLog log = shoal::model::read_event_log(std::cin);
    const shoal::model::Verdict verdict = shoal::model::check_event_log(log);
    if (verdict.explained) std::printf("%zu events of single pages, all explained\n", log.events.size());
    else std::printf("%s\n", verdict.why.c_str());
    return verdict.explained ? 0 : 1;
}

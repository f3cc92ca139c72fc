#include "tests/model/history/event_log.hpp"

#include <sstream>

namespace shoal::model {

namespace {

Kind kind_of(char act) {
    switch (act) {
        case 'm': return Kind::Map;
        case 'u': return Kind::Unmap;
        case 'p': return Kind::Protect;
        case 'd': return Kind::DontNeed;
        case 'w': return Kind::Write;
        default: return Kind::Read;
    }
}

Access access_of(Error error) {
    if (error == Error::None) return Access::Done;
    return error == Error::NoMemory ? Access::OutOfMemory : Access::Refused;
}

// The event of its first page, and of how many pages it is; 0: the line is none.
uint64_t read_event(const std::string& line, PageEvent& event) {
    std::istringstream words(line);
    std::string history;
    char act = 0;
    unsigned worker = 0, word = 0, error = 0;
    uint64_t page = 0, pages = 0, value = 0;
    words >> history >> worker >> act >> page >> pages >> word >> event.operation.protection >> value >> error >> event.began >> event.ended;
    if (words.fail() || std::string("mupdrw").find(act) == std::string::npos || word >= kWordsUsed || event.ended <= event.began) return 0;
    event.operation.kind = kind_of(act);
    event.operation.worker = static_cast<uint8_t>(worker);
    event.operation.word = static_cast<uint8_t>(word);
    event.operation.address = page << kPageShift;
    event.operation.bytes = kPageSize;
    if (is_access(event.operation.kind)) {
        event.outcome.access = access_of(Error{static_cast<uint16_t>(error)});
        event.operation.value = event.outcome.value = value;
    } else {
        event.outcome.error = Error{static_cast<uint16_t>(error)};
    }
    return pages;
}

// Each page for itself: nobody promises that a call changes all at one moment. One that fails for several tells nothing of each.
void add_pages(EventLog& log, PageEvent event, uint64_t pages) {
    if (pages > 1 && event.outcome.error != Error::None) return;
    for (; pages > 0; --pages, event.operation.address += kPageSize) log.events.push_back(event);
}

}  // namespace

EventLog read_event_log(std::istream& console) {
    EventLog log;
    uint64_t events = 0, announced = 0;
    for (std::string line; log.malformed.empty() && std::getline(console, line);) {
        PageEvent event;
        unsigned long of = 0, told = 0;
        if (std::sscanf(line.c_str(), "history of %lu pages ends after %lu events", &of, &told) == 2) {
            announced = told;
        } else if (line.rfind("history ", 0) == 0) {
            const uint64_t pages = read_event(line, event);
            if (pages == 0) log.malformed = "this line is no event: " + line;
            add_pages(log, event, pages);
            ++events;
        }
    }
    if (log.malformed.empty() && (announced == 0 || announced != events))
        log.malformed = std::to_string(events) + " events where " + std::to_string(announced) + " were announced";
    return log;
}

Verdict check_event_log(const EventLog& log) {
    if (!log.malformed.empty()) return {false, log.malformed};
    for (const auto& [key, events] : by_page({log.events})) {
        const Verdict verdict = check_page(events);
        if (!verdict.explained) return verdict;
    }
    return {};
}

}  // namespace shoal::model

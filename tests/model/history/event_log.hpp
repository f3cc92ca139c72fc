// The lines in which a guest tells what its threads did to the pages that they share (tests/guest/historian/event.hpp), and the check of all of them.
//
//     history WORKER ACT PAGE PAGES WORD PROTECTION VALUE ERROR BEGAN ENDED
//     history of N pages ends after M events
#pragma once

#include <istream>

#include "tests/model/concurrent/shared_log.hpp"

namespace shoal::model {

struct EventLog {
    SharedLog events;      // each of one page
    std::string malformed;  // why it is none: a line that cannot be read, or is missing
};

// Other lines of the console are passed over.
EventLog read_event_log(std::istream& console);

// Whether some order explains what was seen of each page.
Verdict check_event_log(const EventLog& log);

}  // namespace shoal::model

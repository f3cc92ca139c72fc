// The pair of 8259 interrupt controllers, which are not used.
#pragma once

namespace shoal::smp {

// Moves their vectors off the exceptions and masks every line: a spurious line 7 or 15 arrives even masked.
void silence_legacy_pic();

}  // namespace shoal::smp

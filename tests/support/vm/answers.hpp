// What VM answers its calls with, as seen by tests: each error is to be one that the call's manual page names (abi/vm_calls.toml), and each that it
// names is to be produced by some test.
#pragma once

#include "abi/vm_call_numbers.hpp"
#include "base/result.hpp"

namespace shoal::vm::test {

// Ends the program, with a message, where the manual page does not have the error. Any thread. What is seen first in this program is added to the
// file that SHOAL_ANSWERS names, if it does, as a line `call Error`; `./shoal test` compares them with the pages.
void note_answer(VmCall call, Error error);

}  // namespace shoal::vm::test

# The warning set of every target (interface library shoal_warnings).
add_library(shoal_warnings INTERFACE)
target_compile_options(shoal_warnings INTERFACE
    -Wall -Wextra -Wcast-align -Wcast-qual -Wconversion -Wsign-conversion -Wdisabled-optimization
    -Wformat=2 -Wmissing-noreturn -Wpacked -Wpointer-arith -Wredundant-decls -Wshadow
    -Wwrite-strings -Wundef -Wno-unknown-warning-option
    $<$<COMPILE_LANGUAGE:CXX>:-Wctor-dtor-privacy -Wnon-virtual-dtor -Wold-style-cast -Woverloaded-virtual
        -Wzero-as-null-pointer-constant -Wextra-semi>
    $<$<COMPILE_LANG_AND_ID:CXX,GNU>:-Wlogical-op -Wduplicated-cond -Wduplicated-branches -Wstrict-null-sentinel
        -Wsuggest-override>
    # A definition whose header is not included; the guest's programs and entry points have none.
    $<$<NOT:$<BOOL:${SHOAL_GUEST}>>:$<$<COMPILE_LANG_AND_ID:CXX,GNU>:-Wmissing-declarations>>
    $<$<BOOL:${SHOAL_WERROR}>:-Werror>)

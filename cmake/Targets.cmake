# The kinds of targets. Sources are listed one by one; includes are written from the top of the tree.

# What the code of both worlds is compiled with: no exceptions, no RTTI, frame pointers kept for backtraces.
add_library(shoal_common INTERFACE)
target_include_directories(shoal_common INTERFACE ${CMAKE_SOURCE_DIR} ${CMAKE_BINARY_DIR}/generated)
target_compile_options(shoal_common INTERFACE -fno-omit-frame-pointer -g
    $<$<COMPILE_LANGUAGE:CXX>:-fno-exceptions -fno-rtti -fno-threadsafe-statics>)
target_link_libraries(shoal_common INTERFACE shoal_warnings)

# Freestanding code: neither the host's C library nor its start files.
add_library(shoal_freestanding INTERFACE)
target_compile_options(shoal_freestanding INTERFACE
    -ffreestanding -fno-pie -fno-stack-protector -fcf-protection=none
    -fno-asynchronous-unwind-tables -fno-unwind-tables -ffunction-sections -fdata-sections)
target_link_options(shoal_freestanding INTERFACE
    -nostdlib -static -no-pie -Wl,--gc-sections -Wl,--build-id=none -Wl,-z,noexecstack -Wl,-z,max-page-size=4096)
target_link_libraries(shoal_freestanding INTERFACE shoal_common)

# Kernel code: no red zone, no FPU registers, linked in the top 2 GiB. What a function leaves unset reads as 0, so that no
# stack contents of one program reach another.
add_library(shoal_kernel_mode INTERFACE)
target_compile_options(shoal_kernel_mode INTERFACE
    -mno-red-zone -mgeneral-regs-only -mcmodel=kernel -ftrivial-auto-var-init=zero)
target_link_libraries(shoal_kernel_mode INTERFACE shoal_freestanding)

# Servers: no FPU use, so that their FPU state need not be switched.
add_library(shoal_server_mode INTERFACE)
target_compile_options(shoal_server_mode INTERFACE -mgeneral-regs-only)
target_link_libraries(shoal_server_mode INTERFACE shoal_freestanding)

if(SHOAL_SANITIZE)
    string(REPLACE "," ";" shoal_sanitizers "${SHOAL_SANITIZE}")
    foreach(sanitizer IN LISTS shoal_sanitizers)
        add_compile_options(-fsanitize=${sanitizer})
        add_link_options(-fsanitize=${sanitizer})
    endforeach()
    add_compile_options(-fno-sanitize-recover=all)
    # GCC warns of every fence, which ThreadSanitizer does not model. What the few fences order is shown by the Promela models
    # (tests/model/spin); the accesses around them are atomic, so that no false report comes of it.
    if("thread" IN_LIST shoal_sanitizers AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
        add_compile_options(-Wno-tsan)
    endif()
endif()

# shoal_whole_program(TARGET): kernel and VM are optimised across files in the release image: a page fault passes through a
# dozen small functions of as many files (docs/decisions/0008).
function(shoal_whole_program target)
    if(SHOAL_GUEST AND CMAKE_BUILD_TYPE STREQUAL "Release")
        set_target_properties(${target} PROPERTIES INTERPROCEDURAL_OPTIMIZATION ON)
    endif()
endfunction()

# shoal_library(NAME MODE kernel|server|host SOURCES ...): MODE counts in the guest build only; on the host the same
# sources are an ordinary library.
function(shoal_library name)
    cmake_parse_arguments(arg "" "MODE" "SOURCES;LIBRARIES" ${ARGN})
    add_library(${name} STATIC ${arg_SOURCES})
    if(SHOAL_GUEST)
        target_link_libraries(${name} PUBLIC shoal_${arg_MODE}_mode ${arg_LIBRARIES})
        shoal_whole_program(${name})
    else()
        target_link_libraries(${name} PUBLIC shoal_common ${arg_LIBRARIES})
    endif()
    add_dependencies(${name} shoal_abi)
endfunction()

# shoal_tested_by(LABEL TARGET): the target tests-LABEL builds what the tests with that label need, and no more.
function(shoal_tested_by label target)
    if(NOT TARGET tests-${label})
        add_custom_target(tests-${label})
    endif()
    add_dependencies(tests-${label} ${target})
endfunction()

# shoal_host_test(NAME [THREADS] SOURCES ... LIBRARIES ... [LABEL unit|model|stress]): a GoogleTest program, run by ctest.
# THREADS: threads run beside each other in it, so that ThreadSanitizer can find something. The label of its tests is
# LABEL-threads then, which is also how the target that builds only these is named: tests-LABEL-threads.
function(shoal_host_test name)
    cmake_parse_arguments(arg "THREADS" "LABEL" "SOURCES;LIBRARIES" ${ARGN})
    find_package(GTest REQUIRED)
    find_package(Threads REQUIRED)
    include(GoogleTest)
    add_executable(${name} ${arg_SOURCES})
    target_link_libraries(${name} PRIVATE shoal_common ${arg_LIBRARIES} GTest::gtest_main Threads::Threads)
    add_dependencies(${name} shoal_abi)
    if(NOT arg_LABEL)
        set(arg_LABEL unit)
    endif()
    shoal_tested_by(${arg_LABEL} ${name})
    if(arg_THREADS)
        string(APPEND arg_LABEL -threads)
        shoal_tested_by(${arg_LABEL} ${name})
    endif()
    gtest_discover_tests(${name} DISCOVERY_TIMEOUT 120 PROPERTIES LABELS ${arg_LABEL})
endfunction()

# shoal_program(NAME MODE user|server SOURCES ...): a program that runs in the guest, linked with libc-min.
# It lands in ${CMAKE_BINARY_DIR}/programs and, through boot/, in the image.
function(shoal_program name)
    cmake_parse_arguments(arg "" "MODE" "SOURCES;LIBRARIES" ${ARGN})
    if(NOT arg_MODE)
        set(arg_MODE user)
    endif()
    add_executable(${name} ${arg_SOURCES})
    target_link_libraries(${name} PRIVATE libc_min_${arg_MODE} ${arg_LIBRARIES})
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/programs)
    set_property(GLOBAL APPEND PROPERTY SHOAL_PROGRAMS ${name})
    add_dependencies(${name} shoal_abi)
endfunction()

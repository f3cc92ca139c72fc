# Dispatch tables, stubs and manual pages, generated from the call tables in abi/ into ${CMAKE_BINARY_DIR}/generated/abi.
find_package(Python3 3.11 REQUIRED COMPONENTS Interpreter)
set(shoal_abi_dir ${CMAKE_BINARY_DIR}/generated/abi)
set(shoal_abi_headers
    ${shoal_abi_dir}/kernel_call_numbers.hpp   # enum class KernelCall
    ${shoal_abi_dir}/kernel_call_dispatch.hpp  # the kernel's table
    ${shoal_abi_dir}/kernel_call_stubs.hpp     # what programs call
    ${shoal_abi_dir}/vm_call_numbers.hpp
    ${shoal_abi_dir}/vm_call_dispatch.hpp
    ${shoal_abi_dir}/vm_call_stubs.hpp
    ${shoal_abi_dir}/vm_call_names.hpp
    ${shoal_abi_dir}/vm_call_errors.hpp)       # for tests
add_custom_command(OUTPUT ${shoal_abi_headers}
    COMMAND ${Python3_EXECUTABLE} ${CMAKE_SOURCE_DIR}/abi/generate.py ${CMAKE_SOURCE_DIR}/abi ${shoal_abi_dir}
    DEPENDS ${CMAKE_SOURCE_DIR}/abi/generate.py ${CMAKE_SOURCE_DIR}/abi/kernel_calls.toml ${CMAKE_SOURCE_DIR}/abi/vm_calls.toml
    COMMENT "Generating call tables" VERBATIM)
add_custom_target(shoal_abi DEPENDS ${shoal_abi_headers})

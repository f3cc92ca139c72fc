# Sources of the spaces; they and the rest of the core need each other.
set(shoal_kernel_space_sources
    copy_calls.cpp
    cpu_spaces.cpp
    flush_batch.cpp
    flush_calls.cpp
    flush_exchange.cpp
    grants.cpp
    interface.cpp
    memory_calls.cpp
    memory_request.cpp
    page_fault.cpp
    setup.cpp
    table_pool.cpp
    table_stock.cpp
    upper_tables.cpp
    user_copy.cpp
    walk.cpp)

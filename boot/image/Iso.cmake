# Target iso: shoal.iso, which BIOS and UEFI machines boot from CD and USB stick. The kernel with its debug information stays
# beside it as shoal.elf.
find_program(SHOAL_MKRESCUE grub-mkrescue)
set(SHOAL_BOOT_LINE "" CACHE STRING "Options of the boot line in grub.cfg")

set(image_root ${CMAKE_CURRENT_BINARY_DIR}/root)
set(image_files ${image_root}/boot/shoal/kernel)
set(SHOAL_MODULE_LINES "")

add_custom_command(OUTPUT ${image_root}/boot/shoal/kernel
    COMMAND ${CMAKE_COMMAND} -E make_directory ${image_root}/boot/shoal
    COMMAND ${CMAKE_OBJCOPY} --strip-all $<TARGET_FILE:shoal_kernel> ${image_root}/boot/shoal/kernel
    COMMAND ${CMAKE_COMMAND} -E copy $<TARGET_FILE:shoal_kernel> ${CMAKE_BINARY_DIR}/shoal.elf
    BYPRODUCTS ${CMAKE_BINARY_DIR}/shoal.elf
    DEPENDS shoal_kernel VERBATIM)

# Every program is a module: its file, and its name as the module's line.
get_property(programs GLOBAL PROPERTY SHOAL_PROGRAMS)
foreach(program IN LISTS programs)
    set(module ${image_root}/boot/shoal/${program})
    add_custom_command(OUTPUT ${module}
        COMMAND ${CMAKE_COMMAND} -E make_directory ${image_root}/boot/shoal
        COMMAND ${CMAKE_OBJCOPY} --strip-all $<TARGET_FILE:${program}> ${module}
        DEPENDS ${program} VERBATIM)
    list(APPEND image_files ${module})
    string(APPEND SHOAL_MODULE_LINES "    module2 /boot/shoal/${program} ${program}\n")
endforeach()

configure_file(${CMAKE_CURRENT_LIST_DIR}/../grub.cfg.in ${image_root}/boot/grub/grub.cfg @ONLY)

# Made under another name: a machine may be running from the old image, whose file must stay as it is until then.
# mtools (for the EFI partition) reads a configuration of the user's otherwise.
add_custom_command(OUTPUT ${CMAKE_BINARY_DIR}/shoal.iso
    COMMAND ${CMAKE_COMMAND} -E env MTOOLSRC=/dev/null
        ${SHOAL_MKRESCUE} --locales= --fonts= --themes= -o ${CMAKE_BINARY_DIR}/shoal.iso.new ${image_root}
        > ${CMAKE_CURRENT_BINARY_DIR}/mkrescue.log 2>&1 || (cat ${CMAKE_CURRENT_BINARY_DIR}/mkrescue.log && false)
    COMMAND ${CMAKE_COMMAND} -E rename ${CMAKE_BINARY_DIR}/shoal.iso.new ${CMAKE_BINARY_DIR}/shoal.iso
    DEPENDS ${image_files} ${image_root}/boot/grub/grub.cfg
    COMMENT "Making shoal.iso")
add_custom_target(iso DEPENDS ${CMAKE_BINARY_DIR}/shoal.iso)

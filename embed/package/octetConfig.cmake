# find_package(octet): octet::octet is the static library, octet::shared the shared one.
get_filename_component(_octet_root "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)
if(NOT TARGET octet::octet)
  add_library(octet::octet STATIC IMPORTED)
  set_target_properties(octet::octet PROPERTIES
    IMPORTED_LOCATION "${_octet_root}/lib/liboctet.a"
    IMPORTED_LINK_INTERFACE_LANGUAGES C
    INTERFACE_INCLUDE_DIRECTORIES "${_octet_root}/include"
    INTERFACE_LINK_LIBRARIES "m;pthread")
  add_library(octet::shared SHARED IMPORTED)
  set_target_properties(octet::shared PROPERTIES
    IMPORTED_LOCATION "${_octet_root}/lib/liboctet.so"
    IMPORTED_SONAME "liboctet.so.@SOVERSION@"
    INTERFACE_INCLUDE_DIRECTORIES "${_octet_root}/include")
endif()
unset(_octet_root)

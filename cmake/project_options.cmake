# Options that every target of this project shares: project_library,
# project_program and project_test apply them.

add_library(project_options INTERFACE)
target_compile_features(project_options INTERFACE cxx_std_20)
target_include_directories(project_options INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_options(project_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Wcast-qual -Werror
  # g++ 12 sees overlaps and overflows in `"text" + string` that are not there
  # (GCC bug 105651), and tells even those in headers of the system once such a
  # header is precompiled.
  "$<$<CXX_COMPILER_ID:GNU>:-Wno-restrict;-Wno-array-bounds;-Wno-stringop-overflow;-Wno-stringop-overread>")
if(SCHEDULER_SANITIZE)
  target_compile_options(project_options INTERFACE
    -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(project_options INTERFACE -fsanitize=address,undefined)
  # Instrumented <regex> of g++ 12 looks uninitialized to it (GCC bug 105616).
  target_compile_options(project_options INTERFACE
    $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
endif()
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

# Half of the compiler's time goes into the same few headers, which are read once
# a target. clang precompiles only those of others, which proves that each file
# includes what it uses of this project.
#
#   project_precompile(TARGET [HEADER...])      the common headers, and these
#   project_precompile(TARGET REUSE_FROM OTHER) those of OTHER, which has the same flags
set(PROJECT_COMMON_HEADERS
  <nlohmann/json.hpp> <tl/expected.hpp> <fmt/format.h>
  <algorithm> <array> <chrono> <filesystem> <functional> <map> <memory> <mutex> <optional> <set>
  <string> <string_view> <utility> <vector>)
function(project_precompile target)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # Else ccache gives up on every file with precompiled headers.
    target_compile_options(${target} PRIVATE -fpch-preprocess)
  endif()
  if("${ARGV1}" STREQUAL "REUSE_FROM")
    target_precompile_headers(${target} REUSE_FROM ${ARGV2})
    return()
  endif()
  set(headers ${PROJECT_COMMON_HEADERS} ${ARGN})
  if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    list(FILTER headers INCLUDE REGEX "^<")
  endif()
  target_precompile_headers(${target} PRIVATE ${headers})
endfunction()

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM)
  # Without this ccache gives up on every file with precompiled headers.
  set(CMAKE_CXX_COMPILER_LAUNCHER
    env CCACHE_SLOPPINESS=pch_defines,time_macros ${CCACHE_PROGRAM})
endif()

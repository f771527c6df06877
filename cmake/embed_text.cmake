# Puts text files into a program, so that it needs no files beside it.
#
#   include(embed_text)
#   embed_texts(TARGET NAMESPACE FUNCTION FILE...)
#
# adds a source to TARGET that defines
#
#   std::string_view NAMESPACE::FUNCTION(std::string_view name);
#
# which gives the bytes of the file whose stem is `name`, or nothing. It is made
# again when a file changes. Run as a script (cmake -P) this file makes it.

if(CMAKE_SCRIPT_MODE_FILE)
  string(REPLACE "|" ";" FILES "${FILES}")
  set(arrays "")
  set(rows "")
  foreach(file IN LISTS FILES)
    get_filename_component(name "${file}" NAME_WE)
    file(READ "${file}" bytes HEX)
    if(bytes STREQUAL "")
      message(FATAL_ERROR "${file} is empty; an empty text cannot be put into a program")
    endif()
    string(REGEX REPLACE "(..)" "'\\\\x\\1'," bytes "${bytes}")
    string(APPEND arrays "constexpr char ${name}_text[] = {${bytes}};\n")
    string(APPEND rows "  if (name == \"${name}\")\n    return {${name}_text, sizeof ${name}_text};\n")
  endforeach()
  file(WRITE "${OUT}" "// Made by cmake/embed_text.cmake.\n\n#include <string_view>\n\n"
    "namespace ${NAMESPACE} {\n\nstd::string_view ${FUNCTION}(std::string_view name);\n\n"
    "namespace {\n\n${arrays}\n} // namespace\n\n"
    "std::string_view ${FUNCTION}(std::string_view name) {\n${rows}  return {};\n}\n\n"
    "} // namespace ${NAMESPACE}\n")
  return()
endif()

set(EMBED_TEXT_SCRIPT "${CMAKE_CURRENT_LIST_FILE}")

function(embed_texts target namespace function)
  set(out "${CMAKE_CURRENT_BINARY_DIR}/${function}.cpp")
  set(files "")
  foreach(file IN LISTS ARGN)
    get_filename_component(file "${file}" ABSOLUTE)
    list(APPEND files "${file}")
  endforeach()
  string(REPLACE ";" "|" joined "${files}")
  add_custom_command(OUTPUT "${out}"
    COMMAND "${CMAKE_COMMAND}" "-DOUT=${out}" "-DNAMESPACE=${namespace}" "-DFUNCTION=${function}"
            "-DFILES=${joined}" -P "${EMBED_TEXT_SCRIPT}"
    DEPENDS ${files} "${EMBED_TEXT_SCRIPT}"
    COMMENT "Embedding ${function}"
    VERBATIM)
  # Nobody reads what is generated; nor is it there in a build that is never built.
  set_source_files_properties("${out}" PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
  target_sources(${target} PRIVATE "${out}")
endfunction()

# cmake -DREADELF=… -DPROGRAM=… -P stands_alone.cmake: fails if the program asks
# the loader for CAF, curl or SQLite.
execute_process(COMMAND ${READELF} --dynamic --wide ${PROGRAM}
  OUTPUT_VARIABLE dynamic RESULT_VARIABLE failed)
if(failed OR NOT dynamic MATCHES "\\(NEEDED\\)[^\n]*\\[libc\\.so")
  message(FATAL_ERROR "readelf told nothing about ${PROGRAM}")
endif()
string(REGEX MATCHALL "\\[lib(caf|curl|sqlite3)[^]]*\\]" unwanted "${dynamic}")
if(unwanted)
  string(REGEX REPLACE "[][]" "" unwanted "${unwanted}")
  message(FATAL_ERROR "${PROGRAM} needs ${unwanted}; the pure ledger must do without")
endif()

// A program that breaks the rule, so that the check is known to notice.

#include <sqlite3.h>

int main() {
  return sqlite3_libversion_number() > 0 ? 0 : 1;
}

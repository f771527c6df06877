// Linked with every object of the pure ledger: that it links is the test.

#include "ledger/digest.hpp"

int main() {
  return ledger::sha256("").size() == 64 ? 0 : 1;
}

#include "runtime/commit/domain.h"

namespace piperun::commit {

Counts& Counts::operator+=(const Counts& other) {
  read += other.read;
  used += other.used;
  filtered += other.filtered;
  duplicates += other.duplicates;
  late += other.late;
  skipped += other.skipped;
  dead += other.dead;
  unknown += other.unknown;
  return *this;
}

Counts& Counts::operator-=(const Counts& other) {
  read -= other.read;
  used -= other.used;
  filtered -= other.filtered;
  duplicates -= other.duplicates;
  late -= other.late;
  skipped -= other.skipped;
  dead -= other.dead;
  unknown -= other.unknown;
  return *this;
}

bool Counts::balances() const { return read == used + filtered + duplicates + late + skipped + dead + unknown; }

}  // namespace piperun::commit

// What a unit was when it stored its positions, so that a later program can be compared with it: kept in the commit domain as JSON.
#pragma once
#include <cstdint>
#include <expected>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lang/diag/diagnostic.h"
#include "lang/ir/program.h"

namespace piperun::plan {

struct Manifest {
  struct Topic {
    std::string source, topic;
    int partitions = 0;  // 0: not known
    friend bool operator==(const Topic&, const Topic&) = default;
  };
  struct State {
    std::string name, kind;
    std::vector<std::string> key;  // types
    std::int64_t within = 0;  // microseconds
    std::vector<std::string> fields = {};  // that the key is made of; empty: stored by a version that did not note them
    friend bool operator==(const State&, const State&) = default;
  };
  int format = 1;
  std::string id, unit, program;  // `program`: hash of the unit's stages
  std::string delivery, domain, domain_kind;
  std::vector<Topic> sources;  // in name order
  std::vector<std::string> sinks;
  std::vector<std::string> places;  // of these: table, topic or path; empty: stored by a version that did not note them
  std::vector<State> operators;  // in name order
  std::vector<std::string> moved_to;  // units that have taken it over; empty: it is in use
  std::string from, until;  // bounds of a run that was made with --as; "": none
  bool ended = false;  // such a run has come to its `until`: it reads nothing more
  friend bool operator==(const Manifest&, const Manifest&) = default;
};

// `partitions`: as they are now, by source; left out: not known.
Manifest manifest_of(const ir::Program& program, const ir::Unit& unit, const std::map<ir::SourceId, int>& partitions = {});

std::string to_text(const Manifest& manifest);  // JSON on one line; equal manifests have equal texts
std::expected<Manifest, std::string> parse_manifest(std::string_view text);

// ---- What an upgrade means: `piperun diff OLD NEW`, and every start.

enum class Upgrade : std::uint8_t { None, Keep, Migrate, Reset };
const char* name(Upgrade upgrade);

enum class Outcome : std::uint8_t {
  Equal,  // run
  Compatible,  // run, with the new manifest and the same positions
  Refused,  // ask a person: `--upgrade` with one of `ways`
  New,  // nothing is stored: `start` decides
  Moved,  // with a code refused like Refused; it takes over the positions and keys of the unit `from`
  Gone,  // stored, but not in the program any more: left alone
};

// What becomes of the stored keys of one stage.
struct StateMove {
  std::string from, to;  // names of stages; `to` empty: the keys are forgotten
  friend bool operator==(const StateMove&, const StateMove&) = default;
};

struct Decision {
  std::string unit;
  Outcome outcome = Outcome::Equal;
  std::string from;  // Moved
  std::optional<Manifest> left_behind;  // Moved: the manifest of `from` from then on, which says where it went
  std::vector<std::string> changes;  // one sentence each
  std::optional<diag::Code> code;  // of the first change that needs a person
  std::vector<Upgrade> ways;  // that mend it
  std::vector<StateMove> keys;  // of stages whose keys do not stay as they are; Moved: of all stages of `from`
};

// One unit with itself. `chosen`: what the person said; a decision that it answers is Compatible.
Decision compare(const Manifest& stored, const Manifest& now, Upgrade chosen = Upgrade::None);

// As texts; a stored text that cannot be read is P0519.
Decision compare(std::string_view stored, std::string_view now, Upgrade chosen = Upgrade::None);

// All units of a program with all that is stored under its id, also what has moved.
std::vector<Decision> compare(const std::vector<Manifest>& stored, const std::vector<Manifest>& now,
                              Upgrade chosen = Upgrade::None);

// As `piperun diff` prints it.
std::string words(const Decision& decision);

}  // namespace piperun::plan

// The search through all worlds that moves and a bounded number of faults lead to.
#pragma once
#include <algorithm>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "lang/prove/explore.h"
#include "lang/prove/moves.h"

namespace piperun::prove {

struct HashWorld {
  std::size_t operator()(const World& world) const {
    return std::hash<std::string_view>{}({reinterpret_cast<const char*>(&world), sizeof world});
  }
};

// Worlds in the order in which they are found: by number of faults, then by number of steps. So the first world that shows a fault of
// the protocol shows it with the fewest faults and steps.
class Search {
 public:
  Search(const Subject& subject, const Bounds& bounds, Faults kind) : subject_(subject), bounds_(bounds), kind_(kind) {
    layer_.push_back({0, Event{.what = Happening::Restart}, World{}});
  }

  // `look` sees every world once, `cross` every move out of one.
  template <typename Look, typename Cross>
  void run(Look look, Cross cross) {
    for (faults_ = 0; faults_ <= bounds_.faults && !layer_.empty(); ++faults_) {
      std::vector<Next> after;
      for (std::size_t i = 0; i < layer_.size(); ++i) {
        const auto [from, event, world] = layer_[i];
        if (!enter(from, event, world)) continue;
        const std::size_t here = found_.size() - 1;
        look(here, world, faults_);
        for (const Move& move : moves(subject_, world, faults_ < bounds_.faults ? kind_ : Faults::None)) {
          cross(here, move.event);
          if (!seen_.contains(move.next)) (is_fault(move.event.what) ? after : layer_).push_back({here, move.event, move.next});
        }
      }
      layer_ = std::move(after);
    }
  }

  std::vector<Event> way_to(std::size_t index, std::vector<Event> events = {}) const {
    for (; index != 0; index = found_[index].from) events.push_back(found_[index].event);
    std::ranges::reverse(events);
    return events;
  }

  std::size_t size() const { return found_.size(); }

 private:
  struct Next {
    std::size_t from;
    Event event;
    World world;
  };
  struct Found {
    std::size_t from;
    Event event;
  };

  bool enter(std::size_t from, const Event& event, const World& world) {
    if (!seen_.insert(world).second) return false;
    found_.push_back({from, event});
    return true;
  }

  const Subject& subject_;
  Bounds bounds_;
  Faults kind_;
  int faults_ = 0;
  std::vector<Next> layer_;
  std::vector<Found> found_;
  std::unordered_set<World, HashWorld> seen_;
};

}  // namespace piperun::prove

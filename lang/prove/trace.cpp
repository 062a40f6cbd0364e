#include "lang/prove/trace.h"

#include <array>

#include <fmt/format.h>

namespace piperun::prove {
namespace {

using ir::StepKind;

class Teller {
 public:
  Teller(const Subject& subject, const ir::Program& program) : subject_(subject), program_(program) {}

  std::vector<std::string> tell(const std::vector<Event>& events, Ending ending) {
    for (const Event& event : events) one(event);
    if (faults_ == 0) say("no fault is needed");
    switch (ending) {
      case Ending::Repeated: break;
      case Ending::Refused: say("but nobody took over: the owner stops itself"); break;
      case Ending::Lost: say("nobody reads the batch again, and it was never written"); break;
      case Ending::StateWrong: say("the stored state does not fit what was written"); break;
    }
    return std::move(told_);
  }

 private:
  std::string quoted(ListId list, std::size_t step) const {
    return fmt::format("`{}`", ir::step_name(list_of(subject_.protocol, list)[step], program_.sinks));
  }

  static bool stores_position(const ir::Step& step) {
    return step.kind == StepKind::Commit || step.kind == StepKind::CommitOffsets;
  }

  // "after `write hook`, before `commit`": between what was done last and what would have settled the batch.
  std::string where(const Event& event) const {
    const auto& list = list_of(subject_.protocol, event.list);
    if (event.list == ListId::Batch && event.step == 0) return "between two batches";
    std::size_t next = event.step;
    if (event.list == ListId::Batch) {
      while (next < list.size() && !stores_position(list[next])) ++next;
      if (next == list.size()) next = event.step;
    }
    std::size_t last = event.step;
    while (last > 0 && is_silent(subject_, list[last - 1])) --last;
    if (last == 0) return fmt::format("before {}", quoted(event.list, next));
    return fmt::format("after {}, before {}", quoted(event.list, last - 1), quoted(event.list, next));
  }

  void say(std::string words) { told_.push_back(std::move(words)); }

  void step(const Event& event) {
    const ir::Step& step = list_of(subject_.protocol, event.list)[event.step];
    if (event.by_ex && !ex_told_) say("the paused process wakes up and goes on as if nothing had happened"), ex_told_ = true;
    if (event.gone) return say("its rows are gone: nobody can read them again");
    if (step.kind == StepKind::Fetch && event.record < kRecords) fetch(event);
    if (step.kind == StepKind::ReadPosition && event.list == ListId::OnUnclear)
      say(fmt::format("{} asks what is stored", quoted(event.list, event.step)));
    if (!event.effect) return;
    const bool again = ++effects_[event.record] > 1;
    if (again)
      say(fmt::format("{} {} a second time", quoted(event.list, event.step),
                      step.kind == StepKind::Await ? "makes it take effect" : "takes effect"));
  }

  // What becomes of queued writes when their process ends.
  void queue(const Event& event) {
    if (event.effect && ++effects_[event.record] > 1) say("what it had queued was sent: the second time");
    else if (event.effect) say("what it had queued was sent");
    if (event.unsent) say("what it had queued was not sent");
  }

  void fetch(const Event& event) {
    if (fetched_[event.record]) say("the batch is read again");
    fetched_[event.record] = true;
  }

  void one(const Event& event) {
    if (is_fault(event.what)) ++faults_;
    switch (event.what) {
      case Happening::Step: return step(event);
      case Happening::Refused:
        say(fmt::format("{} refuses it: the work belongs to somebody else", quoted(event.list, event.step)));
        return queue(event);
      case Happening::Restart:
        if (faults_ > 0) say(paused_ && !restarted_ ? "another process takes over" : "restart");
        restarted_ = faults_ > 0;
        return;
      case Happening::Lands: return say("the request that was on its way takes effect only now");
      case Happening::Crash: say("crash " + where(event)); return queue(event);
      case Happening::CrashInside:
        say(fmt::format("crash while {} is on its way", quoted(event.list, event.step)));
        return queue(event);
      case Happening::AckLost: return lost(event);
      case Happening::Fails:
        return say(fmt::format("{} fails, and the batch runs again from memory", quoted(event.list, event.step)));
      case Happening::Poison: return say(fmt::format("{} finds a record that the sink refuses", quoted(event.list, event.step)));
      case Happening::Pause: paused_ = true; return say("the process stands still " + where(event));
      case Happening::Revoke: return say("the partition is given to somebody else");
      case Happening::Stop: return say("the pipeline is stopped");
    }
  }

  void lost(const Event& event) {
    say(fmt::format("the answer to {} is lost", quoted(event.list, event.step)));
    if (event.effect) {
      ++effects_[event.record];
      say("it took effect all the same");
    }
  }

  const Subject& subject_;
  const ir::Program& program_;
  std::vector<std::string> told_;
  std::array<int, kRecords> effects_{};
  std::array<bool, kRecords> fetched_{};
  int faults_ = 0;
  bool ex_told_ = false, paused_ = false, restarted_ = false;
};

}  // namespace

std::vector<std::string> in_words(const std::vector<Event>& events, const Subject& subject, const ir::Program& program,
                                  Ending ending) {
  return Teller(subject, program).tell(events, ending);
}

}  // namespace piperun::prove

#include "lang/prove/changes.h"

#include <algorithm>
#include <utility>

namespace piperun::prove {

void raise(std::uint8_t& count, std::uint8_t by) { count = static_cast<std::uint8_t>(std::min(2, count + by)); }

Worker& me(World& world, bool ex) { return ex ? world.ex : world.owner; }
Worker& other(World& world, bool ex) { return ex ? world.owner : world.ex; }

void end_epoch(World& world, bool ex) {
  other(world, ex).current = 0;
  world.on_its_way.current = 0;
  me(world, ex).current = 1;
}

void Changes::apply(World& world, const Transaction& t) const {
  if (t.position != kNoPosition) world.position = t.position;
  output(world, t.record, t.writes);
  raise(world.state[t.record], t.state);
  if (t.keys) world.keys[t.record] = 1;
}

void Changes::output(World& world, std::uint8_t record, std::uint8_t count) const {
  raise(world.effects[record], count);
  if (subject_.ignores_repeats && world.effects[record] > 1) world.effects[record] = 1;
}

bool Changes::land(World& world) const {
  const Transaction t = world.on_its_way;
  world.on_its_way = {};
  if (t.fenced && !t.current) return false;
  apply(world, t);
  world.on_its_way.record = 0;
  return true;
}

std::vector<World> Changes::locked(World world, bool ex) const {
  Transaction& held = other(world, ex).transaction;
  if (held.open && held.locked) held.ended = 1;
  if (!world.on_its_way.open || !world.on_its_way.locked) return {world};
  return decided(world);
}

std::vector<World> Changes::decided(World world) const {
  if (!world.on_its_way.open) return {world};
  World landed = world;
  land(landed);
  world.on_its_way = {};
  return {landed, world};
}

std::vector<World> Changes::sent_or_not(const World& world, const Queue& queue) const {
  std::vector<World> worlds{world};
  for (std::uint8_t record = 0; record < kRecords; ++record) {
    for (int left = queue[record]; left > 0; --left) {
      for (std::size_t i = 0, end = worlds.size(); i < end; ++i) {
        World sent = worlds[i];
        output(sent, record, 1);
        worlds.push_back(sent);
      }
    }
  }
  return worlds;
}

std::vector<World> Changes::gone(World world, bool ex) const {
  const Queue queue = std::exchange(me(world, ex), {}).queued;
  if (ex) world.ex_awake = 0;
  return sent_or_not(world, queue);
}

void Changes::send_queued(World& world, bool ex) const {
  const Queue queue = std::exchange(me(world, ex).queued, {});
  for (std::uint8_t record = 0; record < kRecords; ++record) output(world, record, queue[record]);
}

void Changes::advance(World& world, bool ex) const {
  Worker& worker = me(world, ex);
  const auto list = static_cast<ListId>(worker.list);
  const auto& steps = list_of(subject_.protocol, list);
  do {
    if (++worker.step < steps.size()) continue;
    return end_list(worker, list);
  } while (is_silent(subject_, steps[worker.step]));
}

void Changes::end_list(Worker& worker, ListId list) const {
  switch (list) {
    case ListId::Batch:
      worker.position = worker.in_batch ? static_cast<std::uint8_t>(worker.position + 1) : worker.position;
      return begin_batch(worker);
    case ListId::OnAssign:
    case ListId::OnUnclear: return begin_batch(worker);
    case ListId::OnPoison: return worker.dead ? go_to_process(worker) : begin_batch(worker);
    case ListId::OnRevoke:
    case ListId::OnLost:
    case ListId::OnStop: worker = {}; return;
  }
}

void begin_batch(Worker& worker) {
  worker.list = static_cast<std::uint8_t>(ListId::Batch);
  worker.step = 0;
  worker.in_batch = worker.emits = worker.dead = worker.checked = 0;
}

void Changes::go_to_process(Worker& worker) const {
  const auto& batch = subject_.protocol.batch;
  const auto process = std::ranges::find(batch, ir::StepKind::Process, &ir::Step::kind);
  worker.list = static_cast<std::uint8_t>(ListId::Batch);
  worker.step = static_cast<std::uint8_t>(process - batch.begin());
  worker.emits = worker.checked = 0;
  worker.transaction = {};
}

void Changes::go_to(World& world, bool ex, ListId list) const {
  Worker& worker = me(world, ex);
  worker.list = static_cast<std::uint8_t>(list);
  worker.step = 0;
  if (list == ListId::OnUnclear) worker.transaction = {};
  if (list_of(subject_.protocol, list).empty()) begin_batch(worker);
}

void Changes::change(World& world, Transaction& open, bool in_transaction, std::uint8_t record, std::uint8_t writes,
                     std::uint8_t state) const {
  if (in_transaction) {
    open.record = record;
    raise(open.writes, writes);
    raise(open.state, state);
  } else {
    output(world, record, writes);
    raise(world.state[record], state);
  }
}

void move_position(World& world, bool ex, bool in_transaction) {
  Worker& worker = me(world, ex);
  const auto position = static_cast<std::uint8_t>(worker.position + 1);
  if (in_transaction) {
    worker.transaction.position = position;
    worker.transaction.record = worker.position;
    worker.transaction.locked = 1;
  } else {
    world.position = position;
  }
}

std::uint8_t committed_position(const Worker& worker) {
  return static_cast<std::uint8_t>(worker.position + (worker.in_batch ? 1 : 0));
}

}  // namespace piperun::prove

#include "runtime/engine/intake.h"

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <utility>

namespace piperun::engine {
namespace {

constexpr std::int64_t kIdleWait = 10'000;  // microseconds

class InlineIntake : public Intake {
 public:
  InlineIntake(std::unique_ptr<Reader> reader, std::size_t limit) : reader_(std::move(reader)), limit_(limit) {}

  base::Result<std::optional<TakenSlab>> take(std::int64_t) override { return reader_->next(limit_, kSlabBytes); }
  base::Result<bool> is_at_end() override { return reader_->is_at_end(); }
  base::Result<bool> is_exhausted() override { return reader_->is_exhausted(); }
  base::Result<std::vector<PartitionEnd>> ends() override { return reader_->ends(); }

 private:
  std::unique_ptr<Reader> reader_;
  std::size_t limit_;
};

class ThreadedIntake : public Intake {
 public:
  ThreadedIntake(std::unique_ptr<Reader> reader, std::size_t limit)
      : reader_(std::move(reader)), limit_(limit), thread_([this] { read_ahead(); }) {}

  ~ThreadedIntake() override {
    {
      const std::lock_guard lock(mutex_);
      stop_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }

  base::Result<std::optional<TakenSlab>> take(std::int64_t wait) override {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::microseconds(wait), [this] { return !queue_.empty() || error_; });
    if (!queue_.empty()) {
      std::optional<TakenSlab> slab(std::move(queue_.front()));
      queue_.pop_front();
      changed_.notify_all();
      return slab;
    }
    if (error_) {  // told once; the reader thread has gone on trying meanwhile
      base::Error error = std::move(*error_);
      error_.reset();
      changed_.notify_all();
      return std::unexpected(std::move(error));
    }
    return std::nullopt;
  }

  base::Result<bool> is_at_end() override { return ask_when_empty(&Reader::is_at_end); }
  base::Result<bool> is_exhausted() override { return ask_when_empty(&Reader::is_exhausted); }

  base::Result<std::vector<PartitionEnd>> ends() override {
    std::optional<base::Result<std::vector<PartitionEnd>>> answer;
    std::unique_lock lock(mutex_);
    ask(lock, [&] { answer = reader_->ends(); });
    return std::move(*answer);
  }

 private:
  // True only if nothing is queued.
  base::Result<bool> ask_when_empty(base::Result<bool> (Reader::*question)()) {
    base::Result<bool> answer = false;
    std::unique_lock lock(mutex_);
    if (!queue_.empty()) return answer;
    ask(lock, [&] { answer = ((*reader_).*question)(); });
    if (answer && *answer && !queue_.empty()) return false;
    return answer;
  }

  // The reader belongs to its thread; the question has been answered there when this returns.
  void ask(std::unique_lock<std::mutex>& lock, std::function<void()> question) {
    changed_.wait(lock, [this] { return !question_; });
    question_ = std::move(question);
    changed_.notify_all();
    changed_.wait(lock, [this] { return !question_; });
  }

  void read_ahead() {
    std::unique_lock lock(mutex_);
    while (!stop_) {
      if (question_) {
        lock.unlock();
        question_();
        lock.lock();
        question_ = nullptr;
        changed_.notify_all();
        continue;
      }
      if (queue_.size() >= kQueuedSlabs || error_) {
        changed_.wait(lock, [this] { return stop_ || question_ || (queue_.size() < kQueuedSlabs && !error_); });
        continue;
      }
      lock.unlock();
      auto slab = reader_->next(limit_, kSlabBytes);
      const bool idle = slab && !*slab;
      if (idle) reader_->wait(kIdleWait);
      lock.lock();
      if (!slab) error_ = std::move(slab.error());
      else if (!idle) queue_.push_back(std::move(**slab));
      if (!idle) changed_.notify_all();
    }
  }

  std::unique_ptr<Reader> reader_;
  std::size_t limit_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<TakenSlab> queue_;
  std::optional<base::Error> error_;
  std::function<void()> question_;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace

std::unique_ptr<Intake> make_inline_intake(std::unique_ptr<Reader> reader, std::size_t limit) {
  return std::make_unique<InlineIntake>(std::move(reader), limit);
}

std::unique_ptr<Intake> make_threaded_intake(std::unique_ptr<Reader> reader, std::size_t limit) {
  return std::make_unique<ThreadedIntake>(std::move(reader), limit);
}

}  // namespace piperun::engine

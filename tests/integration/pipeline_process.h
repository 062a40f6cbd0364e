// A .pipe file of a test, and processes that run it: started, killed, waited for.
#pragma once
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <initializer_list>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace piperun::integration {

// Asks until it is true; false at the deadline.
inline bool wait_until(const std::function<bool()>& condition, std::chrono::seconds deadline = std::chrono::seconds(30)) {
  const auto end = std::chrono::steady_clock::now() + deadline;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return true;
}

// A folder with one file, removed with it. Secrets are variables of the environment.
class PipelineFolder {
 public:
  explicit PipelineFolder(const std::string& text) {
    std::string name = (std::filesystem::temp_directory_path() / "pipeline-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder");
    path_ = name;
    write("test.pipe", text);
  }
  ~PipelineFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  PipelineFolder(const PipelineFolder&) = delete;
  PipelineFolder& operator=(const PipelineFolder&) = delete;
  void write(const std::string& file, const std::string& text) const { std::ofstream(path_ / file) << text; }
  std::string read(const std::string& file) const {
    std::stringstream text;
    text << std::ifstream(path_ / file).rdbuf();
    return text.str();
  }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

// `piperun ARGUMENTS` in that folder. What it says is in the file `log`, behind what earlier ones said. Killed with the object.
class PipelineProcess {
 public:
  PipelineProcess(const PipelineFolder& folder, const std::vector<std::string>& arguments) : folder_(folder) {
    std::vector<char*> words;
    std::vector<std::string> copies = {PIPERUN_PROGRAM};
    copies.insert(copies.end(), arguments.begin(), arguments.end());
    for (std::string& each : copies) words.push_back(each.data());
    words.push_back(nullptr);
    id_ = ::fork();
    if (id_ != 0) return;
    const int log = ::open((folder.path() / "log").c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    ::dup2(log, STDOUT_FILENO);
    ::dup2(log, STDERR_FILENO);
    if (::chdir(folder.path().c_str()) == 0) ::execv(words.front(), words.data());
    ::_exit(127);
  }
  ~PipelineProcess() { kill(SIGKILL); }
  PipelineProcess(const PipelineProcess&) = delete;
  PipelineProcess& operator=(const PipelineProcess&) = delete;

  // Its exit code; -1: it was killed, -2: it did not end in time.
  int wait(std::chrono::seconds deadline = std::chrono::seconds(60)) {
    int status = 0;
    const bool is_done = id_ <= 0 || wait_until([&] { return ::waitpid(id_, &status, WNOHANG) == id_; }, deadline);
    if (!is_done) return -2;
    id_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
  void kill(int signal) {
    if (id_ <= 0) return;
    ::kill(id_, signal);
    if (signal == SIGKILL) wait();
  }
  bool is_running() const {
    siginfo_t ended{};
    return id_ > 0 && ::waitid(P_PID, static_cast<id_t>(id_), &ended, WEXITED | WNOHANG | WNOWAIT) == 0 && ended.si_pid == 0;
  }
  std::string log() const { return folder_.read("log"); }
  pid_t id() const { return id_; }

 private:
  const PipelineFolder& folder_;
  pid_t id_ = -1;
};

}  // namespace piperun::integration

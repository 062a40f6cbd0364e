// A database of its own for each test, on the real server, and a way to it that loses what it is told to lose.
#pragma once
#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <functional>
#include <pqxx/pqxx>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "runtime/commit/postgres/settings.h"

namespace piperun::integration {

// Of the server; throws when there is none, so that no test passes without one.
inline std::string postgres_url() {
  for (const char* variable : {"PIPERUN_TEST_POSTGRES", "POSTGRES_DIRECT"}) {
    if (const char* url = std::getenv(variable)) return url;
  }
  throw std::runtime_error("PIPERUN_TEST_POSTGRES is not set: these tests need a PostgreSQL, see tests/integration/README.md");
}

class TestDatabase {
 public:
  TestDatabase() {
    static std::atomic<int> number = 0;
    name_ = "test_" + std::to_string(::getpid()) + "_" + std::to_string(++number) + "_" + std::to_string(::time(nullptr));
    pqxx::connection server(postgres_url());
    pqxx::nontransaction(server).exec("CREATE DATABASE " + name_);
  }
  ~TestDatabase() {
    try {
      pqxx::connection server(postgres_url());
      pqxx::nontransaction(server).exec("DROP DATABASE IF EXISTS " + name_ + " WITH (FORCE)");
    } catch (const std::exception&) {  // the server was stopped by the test
    }
  }
  TestDatabase(const TestDatabase&) = delete;
  TestDatabase& operator=(const TestDatabase&) = delete;

  const std::string& name() const { return name_; }

  // `port`: of a way to the server; 0: straight. `user`, `password`: "" those of the server's url.
  std::string url(int port = 0, const std::string& user = {}) const {
    std::string result;
    const auto parts = parameters();
    for (const char* key : {"host", "port", "user", "password"}) {
      if (const auto found = parts.find(key); found != parts.end()) {
        const std::string value = key == std::string_view("port") && port != 0       ? std::to_string(port)
                                  : key == std::string_view("user") && !user.empty() ? user
                                                                                     : found->second;
        result += std::string(key) + "=" + value + " ";
      }
    }
    return result + "dbname=" + name_;
  }
  int port() const { return std::stoi(parameters().at("port")); }

  postgres::PostgresSettings settings(int way = 0) const {
    postgres::PostgresSettings result;
    result.name = "shop";
    result.url = url(way);
    return result;
  }

  // Past all that is tested.
  pqxx::result exec(const std::string& sql) const {
    pqxx::connection connection(url());
    return pqxx::nontransaction(connection).exec(sql);
  }
  // Fields with `|`, rows with blanks between them.
  std::string value(const std::string& sql) const {
    std::string text;
    for (const auto& row : exec(sql)) {
      if (!text.empty()) text += ' ';
      for (int i = 0; i < static_cast<int>(row.size()); ++i)
        text += (i > 0 ? "|" : "") + (row[i].is_null() ? std::string("null") : std::string(row[i].view()));
    }
    return text;
  }

 private:
  static std::map<std::string, std::string> parameters() {
    postgres::PostgresSettings settings;
    settings.url = postgres_url();
    return postgres::connect_parameters(settings).value();
  }
  std::string name_;
};

// A port that leads to the server. What it does to the next message that has `COMMIT` in it:
enum class Loss {
  Nothing,
  Reply,  // gets through, the answer is lost with the connection
  Late,  // the client's connection breaks at once, the message gets through a second later
  Message,  // is lost with the connection
};

class LossyWay {
 public:
  explicit LossyWay(int server_port) : server_port_(server_port), listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address = local(0);
    socklen_t size = sizeof address;
    if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(listener_, 16) != 0 ||
        ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0)
      throw std::runtime_error("no port for the way to the server");
    port_ = ntohs(address.sin_port);
    acceptor_ = std::jthread([this](const std::stop_token& stop) { accept_all(stop); });
  }
  ~LossyWay() {
    acceptor_.request_stop();
    acceptor_.join();
    routes_.clear();
    ::close(listener_);
  }
  int port() const { return port_; }
  void lose_next(Loss loss) { loss_ = loss; }
  bool has_lost() const { return loss_ == Loss::Nothing; }

 private:
  static sockaddr_in local(int port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    return address;
  }
  static bool readable(int socket) {
    pollfd wait{socket, POLLIN, 0};
    return ::poll(&wait, 1, 20) > 0;
  }
  void accept_all(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      if (!readable(listener_)) continue;
      const int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      routes_.emplace_back([this, client](const std::stop_token& ends) { route(client, ends); });
    }
  }
  void route(int client, const std::stop_token& stop) {
    const int server = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address = local(server_port_);
    bool is_open = ::connect(server, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
    std::array<char, 65536> bytes{};
    while (is_open && !stop.stop_requested()) {
      pollfd waits[2] = {{client, POLLIN, 0}, {server, POLLIN, 0}};
      if (::poll(waits, 2, 20) <= 0) continue;
      if (waits[1].revents != 0) {
        const ssize_t size = ::read(server, bytes.data(), bytes.size());
        is_open = size > 0 && ::send(client, bytes.data(), static_cast<std::size_t>(size), MSG_NOSIGNAL) == size;
      }
      if (is_open && waits[0].revents != 0) {
        const ssize_t size = ::read(client, bytes.data(), bytes.size());
        is_open = size > 0 &&
                  forward(std::string_view(bytes.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0))), client, server);
      }
    }
    ::close(client);
    ::close(server);
  }
  bool forward(std::string_view message, int client, int server) {
    const Loss loss = message.find("COMMIT") == std::string_view::npos ? Loss::Nothing : loss_.exchange(Loss::Nothing);
    if (loss == Loss::Message) return false;
    if (loss == Loss::Late) {
      ::shutdown(client, SHUT_RDWR);
      std::this_thread::sleep_for(std::chrono::seconds(1));
    }
    const bool is_sent = ::send(server, message.data(), message.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(message.size());
    if (loss == Loss::Nothing) return is_sent;
    readable(server);  // it has answered
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    return false;
  }

  int server_port_, listener_, port_ = 0;
  std::atomic<Loss> loss_ = Loss::Nothing;
  std::vector<std::jthread> routes_;
  std::jthread acceptor_;
};

}  // namespace piperun::integration

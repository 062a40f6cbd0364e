#pragma once
class Domain {
 public:
  virtual ~Domain() = default;
  virtual bool begin() = 0;
  virtual bool commit(
      int rows) = 0;
};

#include "nn/lr_schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/error.h"

namespace octet::nn {

LrSchedule LrSchedule::constant(double lr) { return step(lr, {}); }

LrSchedule LrSchedule::step(double lr, std::vector<double> milestones, double gamma) {
  OCTET_CHECK(lr >= 0 && gamma > 0, "lr_schedule: lr is ", lr, ", gamma ", gamma);
  OCTET_CHECK(std::is_sorted(milestones.begin(), milestones.end()),
              "lr_schedule: milestones do not rise");
  LrSchedule schedule;
  schedule.lr_ = lr;
  schedule.gamma_ = gamma;
  schedule.milestones_ = std::move(milestones);
  return schedule;
}

LrSchedule LrSchedule::cosine(double lr, double least) {
  OCTET_CHECK(lr >= least && least >= 0, "lr_schedule: from lr ", lr, " to ", least);
  LrSchedule schedule;
  schedule.kind_ = Kind::cosine;
  schedule.lr_ = lr;
  schedule.least_ = least;
  return schedule;
}

LrSchedule LrSchedule::with_warmup(double fraction) const {
  OCTET_CHECK(0 <= fraction && fraction < 1, "lr_schedule: warm-up of ", fraction,
              ", expects 0 to below 1");
  LrSchedule schedule = *this;
  schedule.warmup_ = fraction;
  return schedule;
}

double LrSchedule::at(double progress) const {
  progress = std::clamp(progress, 0.0, 1.0);
  if (progress < warmup_) return lr_ * progress / warmup_;
  progress = (progress - warmup_) / (1 - warmup_);
  if (kind_ == Kind::cosine)
    return least_ + 0.5 * (lr_ - least_) * (1 + std::cos(std::numbers::pi * progress));
  const auto passed = std::upper_bound(milestones_.begin(), milestones_.end(), progress);
  return lr_ * std::pow(gamma_, static_cast<double>(passed - milestones_.begin()));
}

}  // namespace octet::nn
